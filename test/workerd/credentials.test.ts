/** Where a request carries its key or token. */
import { describe, expect, test } from "vitest";
import { readCredential, subprotocolBeforeCredential } from "../../src/worker/access/credentials.ts";

function ask(headers: Record<string, string>, query = ""): Request {
  return new Request(`http://localhost/v1/ws/a${query}`, { headers });
}

const socket = (protocols: string, headers: Record<string, string> = {}) =>
  ask({ Upgrade: "websocket", "Sec-WebSocket-Protocol": protocols, ...headers });

function read(request: Request): string | null | "refused" {
  const result = readCredential(request);
  return result.ok ? result.value : "refused";
}

describe("a credential", () => {
  test.each<[string, Request, string | null]>([
    ["nowhere", ask({}), null],
    ["as a bearer", ask({ Authorization: "Bearer abc.def" }), "abc.def"],
    ["as a bearer in other letters", ask({ Authorization: "bearer  abc" }), "abc"],
    ["in the address", ask({}, "?token=abc"), "abc"],
    ["in the address, blank", ask({}, "?token="), null],
    ["as the second subprotocol", socket("json, abc"), "abc"],
    ["as the second subprotocol, after ours", socket("prompt-manager.v1,abc"), "abc"],
    ["beside our subprotocol in second place", socket("other, prompt-manager.v1"), null],
    ["as the only subprotocol, which is a name", socket("json"), null],
    ["as a subprotocol of what is no socket", ask({ "Sec-WebSocket-Protocol": "json, abc" }), null],
    ["as a password for a proxy", ask({ Authorization: "Basic YTpi" }), null],
    ["as a password for a proxy, beside a token", ask({ Authorization: "Basic YTpi" }, "?token=abc"), "abc"],
  ])("[ACCESS-4] is found %s", (_, request, found) => {
    expect(read(request)).toBe(found);
  });

  test.each<[string, Request]>([
    ["a header and an address", ask({ Authorization: "Bearer abc" }, "?token=abc")],
    ["two addresses", ask({}, "?token=abc&token=def")],
    ["two headers", ask({ Authorization: "Bearer abc, Bearer def" })],
    ["two subprotocols", socket("json, abc, def")],
    ["a header and a subprotocol", socket("json, abc", { Authorization: "Bearer def" })],
    ["none behind its scheme", ask({ Authorization: "Bearer" })],
    ["a space in it", ask({ Authorization: "Bearer a b" })],
    ["a letter that no credential has", ask({}, "?token=%C3%A4")],
    ["a line end in it", ask({}, "?token=a%0d%0aX:b")],
    ["a NUL in it", ask({}, "?token=a%00")],
    ["more than 4,096 characters", ask({}, `?token=${"a".repeat(4_097)}`)],
  ])("[ACCESS-4] is refused, when there is %s", (_, request) => {
    expect(read(request)).toBe("refused");
  });
});

describe("the subprotocol of the answer", () => {
  test.each<[string, string | null]>([
    ["json, abc", "json"],
    ["prompt-manager.v1, abc", "prompt-manager.v1"],
    ["json", null],
    ["pm_acme_id_secret, json", null],
    ["PM_acme_id_secret, json", null],
    ["eyJhbGciOiJIUzI1NiJ9.e30.c2ln, json", null],
    [`${"a".repeat(40)}, abc`, null],
  ])("[ACCESS-4] of a socket that offers '%s' is %s", (offered, name) => {
    expect(subprotocolBeforeCredential(socket(offered))).toBe(name);
  });
});
