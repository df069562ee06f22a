/** Where a request carries its key or token. */
import { describe, expect, test } from "vitest";
import { readCredential } from "../../src/worker/access/credentials.ts";
import { agreedSubprotocol } from "../../src/worker/sockets/subprotocol.ts";

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
  test.each<[string, string | null, Request]>([
    ["nothing", null, ask({})],
    ["a bearer", "abc.def", ask({ Authorization: "Bearer abc.def" })],
    ["a bearer in small letters", "abc", ask({ Authorization: "bearer  abc" })],
    ["a token in its address", "abc", ask({}, "?token=abc")],
    ["a blank token in its address", null, ask({}, "?token=")],
    ["a second subprotocol", "abc", socket("json, abc")],
    ["a second subprotocol after ours", "abc", socket("prompt-manager.v1,abc")],
    ["our subprotocol in second place", null, socket("other, prompt-manager.v1")],
    ["one subprotocol", null, socket("json")],
    ["subprotocols and no upgrade", null, ask({ "Sec-WebSocket-Protocol": "json, abc" })],
    ["a password for a proxy", null, ask({ Authorization: "Basic YTpi" })],
    ["a password for a proxy and a token", "abc", ask({ Authorization: "Basic YTpi" }, "?token=abc")],
  ])("[ACCESS-4] a request with %s brings the credential %s", (_, found, request) => {
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
    ["more than 16,384 characters", ask({}, `?token=${"a".repeat(16_385)}`)],
  ])("[ACCESS-4] a request is refused, when it has %s", (_, request) => {
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
  ])("[ACCESS-4] the answer to a socket that offers '%s' agrees to %s", (offered, name) => {
    expect(agreedSubprotocol(socket(offered))).toBe(name);
  });
});
