import { describe, expect, test } from "vitest";
import { hostnameOf, parseHosts } from "../../src/protocol/hosts.ts";
import { isLoopbackOrigin, parseOrigins } from "../../src/protocol/origins.ts";
import { parseExpiry } from "../../tools/access/expiry.ts";

describe("names of hosts", () => {
  test.each([
    ["localhost", "localhost"],
    ["LocalHost.:8081", "localhost"],
    ["127.0.0.1:80", "127.0.0.1"],
    ["[::1]:8081", "[::1]"],
    ["[FD00::7]", "[fd00::7]"],
    ["my_service:80", "my_service"],
    ["xn--bcher-kva.example", "xn--bcher-kva.example"],
  ])("[HOST-1] the name in %j is %s, whatever its case, port and last dot", (header, name) => {
    expect(hostnameOf(header)).toBe(name);
  });

  test.each([
    "",
    ":80",
    ".",
    "a, b",
    "localhost, evil.example",
    "localhost@evil.example",
    "evil.example#localhost",
    "evil.example?localhost",
    "localhost/x",
    "evil.example\\@localhost",
    "%6cocalhost",
    "*",
    "::1",
    "localhost:80:80",
    "localhost..",
    "ſocalhost",
  ])("[HOST-4] %j names no host", (header) => {
    expect(hostnameOf(header)).toBeNull();
  });

  test("[MODE-2] a list of hosts has names without ports, and says which one is wrong", () => {
    expect(parseHosts(" A.example , [::1], b ")).toEqual({ names: ["a.example", "[::1]", "b"], fault: null });
    for (const wrong of ["https://a.example", "a.example:80", "*.example", "a b"])
      expect(parseHosts(`ok.example, ${wrong}`)).toMatchObject({
        names: [],
        fault: expect.stringContaining(wrong),
      });
  });
});

describe("origins", () => {
  test("[MODE-2] a list of origins says which one is wrong", () => {
    const list = "https://A.example/, http://b:80";
    expect(parseOrigins(list)).toEqual({ origins: ["https://a.example", "http://b:80"], fault: null });
    for (const wrong of [
      "*",
      "null",
      "a.example",
      "https://*.example",
      "https://a.example/path",
      "https://u@a.example",
    ])
      expect(parseOrigins(wrong)).toMatchObject({ origins: [], fault: expect.stringContaining(wrong) });
  });

  test.each([
    ["http://localhost:5173", true],
    ["https://127.0.0.2", true],
    ["http://[::1]:3000", true],
    ["http://localhost.evil.example", false],
    ["http://localhost@evil.example", false],
    ["chrome-extension://localhost", false],
    ["null", false],
  ])("[ORIGIN-1] %s is an origin of this machine: %s", (origin, isOne) => {
    expect(isLoopbackOrigin(origin)).toBe(isOne);
  });
});

describe("the end of a key", () => {
  const NOW = Date.UTC(2026, 10, 28, 12);

  test.each([
    ["90m", "2026-11-28T13:30:00.000Z"],
    ["12h", "2026-11-29T00:00:00.000Z"],
    ["30d", "2026-12-28T12:00:00.000Z"],
    ["2027-01-31T00:00:00Z", "2027-01-31T00:00:00.000Z"],
    ["2027-01-31T00:00:00+02:00", "2027-01-30T22:00:00.000Z"],
  ])("[CLI-14] %s is %s", (text, time) => {
    expect(parseExpiry(text, NOW)).toBe(time);
  });

  test.each([
    "",
    "30",
    "0d",
    "-1d",
    "1y",
    "tomorrow",
    "2027-01-31",
    "2027-01-31T00:00:00",
    "2026-11-28T11:59:59Z",
  ])("[CLI-14] %j is no time to come that can be meant", (text) => {
    expect(parseExpiry(text, NOW)).toBeNull();
  });
});
