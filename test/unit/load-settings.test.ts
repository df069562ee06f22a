import { describe, expect, test } from "vitest";
import { isLoopbackHost } from "../../src/protocol/hosts.ts";
import { readCommandLine } from "../../tools/command-line.ts";
import { LOAD_COMMAND } from "../../tools/load/settings.ts";

function settings(args: readonly string[]) {
  const line = readCommandLine(LOAD_COMMAND, args);
  if (line.kind !== "settings") throw new Error(line.text);
  return line.settings;
}

function refusal(args: readonly string[]): string {
  const line = readCommandLine(LOAD_COMMAND, args);
  return line.kind === "wrong" ? line.text : "";
}

describe("the command line of the load test", () => {
  test("[LOAD-1] each number is read", () => {
    const args =
      "--url http://127.0.0.1:9 --fragments 2 --writers 3 --readers 0 --rate 0.5 --seconds 20 --json a";
    const command = settings(args.split(" "));
    expect(command.load).toEqual({ fragments: 2, writers: 3, readers: 0, rate: 0.5, seconds: 20 });
    expect(command.url.origin).toBe("http://127.0.0.1:9");
    expect(command.jsonFile).toBe("a");
    expect(command.reportFile).toBe("build/load-report.html");
  });

  test.each([
    ["a number over its limit", ["--seconds", "601"], /--seconds 601: must be a number from 1 to 600/],
    ["a number below its limit", ["--writers", "0"], /--writers 0: must be/],
    ["no number", ["--rate", "fast"], /--rate fast: must be/],
    ["an empty number", ["--rate", ""], /--rate : must be/],
    ["half a socket", ["--readers", "1.5"], /--readers 1.5: must be a whole number/],
    ["too many sockets together", ["--fragments", "200", "--readers", "50"], /12,000 .*10,000 .*sockets/],
    [
      "too many edits a second together",
      ["--fragments", "50", "--writers", "100", "--rate", "5", "--readers", "0"],
      /25,000 .*20,000 .*edits a second/,
    ],
    [
      "too many deliveries a second together",
      ["--writers", "100", "--readers", "900", "--rate", "20"],
      /1,998,000 .*500,000 .*deliveries a second/,
    ],
    [
      "more text than a fragment holds",
      ["--writers", "100", "--rate", "20", "--seconds", "600"],
      /1,048,576 .*bytes of text/,
    ],
    ["nobody to deliver to", ["--writers", "1", "--readers", "0"], /delivers to nobody/],
    ["an unknown option", ["--speed", "9"], /--speed.*\n.*Usage: npm run load/s],
    ["an address that is none", ["--url", "localhost"], /--url must be an http or https address/],
    ["a path", ["--url", "http://localhost:8081/v1"], /without a path.*not "http:\/\/localhost:8081\/v1"/],
    ["a query", ["--url", "http://localhost:8081?a"], /without a path/],
    ["a name that looks like a host", ["--url", "http://127.0.0.1@example.com"], /without a path, a name/],
    ["another protocol", ["--url", "ftp://localhost"], /--url must be an http or https address/],
  ])("[LOAD-1] %s is refused in words", (_, args, message) => {
    expect(refusal(args)).toMatch(message);
  });

  test.each([
    "http://localhost:8081",
    "http://127.0.0.1",
    "http://127.9.9.9:1",
    "http://127.1:8081",
    "http://[::1]:8081",
    "https://LOCALHOST",
  ])("[LOAD-2] %s is on the loopback", (url) => {
    expect(isLoopbackHost(new URL(url).hostname)).toBe(true);
    expect(settings(["--url", url]).url.origin).toBe(new URL(url).origin);
  });

  test.each([
    "http://example.com",
    "http://localhost.example.com",
    "http://127.0.0.1.example.com",
    "http://128.0.0.1",
    "http://0.0.0.0:8081",
    "http://[::2]",
    "http://192.168.0.1",
  ])("[LOAD-2] %s is refused, unless its owner says so", (url) => {
    expect(refusal(["--url", url])).toMatch(/not on the loopback.*--yes-this-is-my-server/);
    expect(settings(["--url", url, "--yes-this-is-my-server"]).url.origin).toBe(new URL(url).origin);
  });
});
