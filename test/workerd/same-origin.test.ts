/** Which requests the session cookie and the header of an identity provider count for. */
import { describe, expect, test } from "vitest";
import { type AmbientCredential, ambientFault } from "../../src/worker/access/caller/same-origin.ts";

const OWN = "https://prompts.example";
const JSON_TYPE = { "Content-Type": "application/json" };

type Headers = Record<string, string>;

/** The code of the refusal; null if the credential counts. */
function faultOf(
  method: string,
  headers: Headers,
  {
    url = `${OWN}/v1/fragments/a`,
    body,
    by = "cookie",
  }: { url?: string; body?: string; by?: AmbientCredential } = {},
): string | null {
  const request = new Request(url, { method, headers, ...(body === undefined ? {} : { body }) });
  return ambientFault(request, by)?.code ?? null;
}

const navigation = (site: string, dest = "document") => ({
  "Sec-Fetch-Site": site,
  "Sec-Fetch-Mode": "navigate",
  "Sec-Fetch-Dest": dest,
});

describe("the session cookie", () => {
  test.each<[string, string, Headers]>([
    ["a page of this server", "PUT", { Origin: OWN }],
    ["a page of this server, as the browser says", "PUT", { "Sec-Fetch-Site": "same-origin" }],
    ["a page of this server, which both say", "DELETE", { Origin: OWN, "Sec-Fetch-Site": "same-origin" }],
    ["a form of this server that was sent again", "POST", { Origin: OWN, "Sec-Fetch-Site": "none" }],
    ["an address that was typed", "GET", navigation("none")],
    ["a link that was followed from another site", "GET", navigation("cross-site")],
    ["a program that reads", "GET", {}],
    ["a page of this server that opens a socket", "GET", { Origin: OWN, Upgrade: "websocket" }],
  ])("[COOKIE-3] it counts for %s", (_, method, headers) => {
    expect(faultOf(method, headers)).toBeNull();
  });

  test.each<[string, Headers]>([
    ["nobody says from where", {}],
    ["another origin", { Origin: "https://evil.example" }],
    ["another port of the same host", { Origin: `${OWN}:8443` }],
    ["a subdomain", { Origin: "https://a.prompts.example" }],
    ["the same host without TLS", { Origin: "http://prompts.example" }],
    [
      "the same host without TLS, as the browser says",
      { Origin: "http://prompts.example", "Sec-Fetch-Site": "cross-site" },
    ],
    ["a page without an origin", { Origin: "null" }],
    [
      "a page without an origin in a frame of this server",
      { Origin: "null", "Sec-Fetch-Site": "same-origin" },
    ],
    [
      "another origin with a false claim",
      { Origin: "https://evil.example", "Sec-Fetch-Site": "same-origin" },
    ],
    ["an origin that is no address", { Origin: "prompts.example", "Sec-Fetch-Site": "same-origin" }],
    ["the same site", { "Sec-Fetch-Site": "same-site" }],
    ["another site", { Origin: OWN, "Sec-Fetch-Site": "cross-site" }],
    ["an address that was typed", navigation("none")],
    ["a form of another site", { ...navigation("cross-site"), Origin: "https://evil.example" }],
  ])("[COOKIE-3] it counts for no write and no socket, when they come from %s", (_, headers) => {
    for (const method of ["POST", "PUT", "PATCH", "DELETE"])
      expect(
        faultOf(method, { ...headers, ...JSON_TYPE }, method === "DELETE" ? {} : { body: "{}" }),
        method,
      ).toBe("forbidden");
    expect(faultOf("GET", { ...headers, Upgrade: "websocket" })).toBe("forbidden");
  });

  test.each<[string, Headers]>([
    ["a page of another origin", { Origin: "https://evil.example" }],
    [
      "an image of another site",
      { "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image" },
    ],
    [
      "a script of another port",
      { "Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script" },
    ],
    ["a frame of another port", navigation("same-site", "iframe")],
  ])("[COOKIE-4] it does not even count for a read, when it comes from %s", (_, headers) => {
    expect([faultOf("GET", headers), faultOf("HEAD", headers)]).toEqual(["forbidden", "forbidden"]);
  });

  test.each([
    "application/json",
    "application/json; charset=utf-8",
    "Application/JSON",
    "application/merge-patch+json",
  ])("[COOKIE-5] a write is taken, when its body is %s", (type) => {
    expect(faultOf("POST", { Origin: OWN, "Content-Type": type }, { body: "{}" })).toBeNull();
  });

  test.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain; application/json",
    "application/jsonp",
    "",
  ])("[COOKIE-5] a write is refused with 415, when its body is %j", (type) => {
    expect(faultOf("POST", { Origin: OWN, "Content-Type": type }, { body: "{}" })).toBe(
      "unsupported_media_type",
    );
  });

  test("[COOKIE-5] a write needs no type, when it has no body", () => {
    expect(faultOf("DELETE", { Origin: OWN })).toBeNull();
  });
});

describe("behind a proxy that speaks TLS", () => {
  const url = "http://prompts.example/v1/fragments/a";

  test("[COOKIE-3] the pages of the server are those with the scheme that the proxy names", () => {
    const proxied = { "X-Forwarded-Proto": "https", ...JSON_TYPE };
    expect(faultOf("PUT", { ...proxied, Origin: OWN }, { url })).toBeNull();
    expect(faultOf("PUT", { ...proxied, Origin: "http://prompts.example" }, { url })).toBe("forbidden");
  });

  test("[COOKIE-3] the browser decides about the scheme, when the proxy names none", () => {
    expect(faultOf("PUT", { Origin: OWN, "Sec-Fetch-Site": "same-origin" }, { url })).toBeNull();
    expect(faultOf("PUT", { Origin: OWN }, { url })).toBe("forbidden");
    expect(faultOf("PUT", { Origin: OWN, "Sec-Fetch-Site": "same-site" }, { url })).toBe("forbidden");
  });
});

describe("the header of an identity provider", () => {
  const by = "header";

  test("[IDP-8] it counts for programs, which name no origin", () => {
    expect(faultOf("PUT", JSON_TYPE, { by, body: "{}" })).toBeNull();
    expect(faultOf("GET", { Upgrade: "websocket" }, { by })).toBeNull();
  });

  test("[IDP-8] it counts for no page of another origin, because the proxy adds it to requests of all pages", () => {
    for (const headers of [{ Origin: "https://evil.example" }, { Origin: "null" }, navigation("none")])
      expect(faultOf("PUT", { ...headers, ...JSON_TYPE }, { by, body: "{}" })).toBe("forbidden");
    expect(faultOf("GET", { Origin: "https://evil.example", Upgrade: "websocket" }, { by })).toBe(
      "forbidden",
    );
    expect(faultOf("PUT", { "Content-Type": "text/plain" }, { by, body: "{}" })).toBe(
      "unsupported_media_type",
    );
  });
});
