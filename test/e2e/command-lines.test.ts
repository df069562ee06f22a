import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { PROJECT_DIR } from "../../tools/dev/wrangler-command.ts";
import { HANG_LIMIT_MS } from "../support/hang-limit.ts";

// Of every command of package.json that is a program of ours, so that a new one is among them.

const packageJson: { scripts: Record<string, string> } = JSON.parse(
  readFileSync(join(PROJECT_DIR, "package.json"), "utf8"),
);
const COMMANDS = Object.entries(packageJson.scripts).flatMap(([name, line]) => {
  const [, script] = /^(?:exec )?node (\S+\.ts)$/.exec(line) ?? [];
  return script === undefined ? [] : [{ name, script }];
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(name: string, ...args: string[]): Promise<Ended> {
  const script = COMMANDS.find((command) => command.name === name)?.script ?? "";
  return new Promise((settle) => {
    const child = execFile(
      process.execPath,
      [join(PROJECT_DIR, script), ...args],
      { timeout: HANG_LIMIT_MS },
      (_, stdout, stderr) => settle({ code: child.exitCode, stdout, stderr }),
    );
  });
}

function expectRefusal(name: string, ended: Ended, says: string): void {
  expect(ended.stderr).toContain(`npm run ${name}: ${says}`);
  expect(ended.stderr).toContain(`\n\nUsage: npm run ${name} -- `);
  expect(ended.stderr).not.toMatch(/^ +at /m);
  expect(ended).toMatchObject({ code: 2, stdout: "" });
}

/** The names of the options in a script, as command-options.ts has them declared. */
function optionsOf(script: string): string[] {
  const source = readFileSync(join(PROJECT_DIR, script), "utf8");
  const declared =
    /\b([a-z-]+)"?: (?:whole|decimal|text|textOption|texts|flag|parsed|port|credential|givenCredential|workspaceName|role|expiry|allowedOrigins|allowedHosts|anonymousRole|anonymousWorkspace)\(/g;
  return [...source.matchAll(declared)].map(([, name = ""]) => name);
}

test("[CLI-1] the commands are found, when package.json is read", () => {
  expect(COMMANDS.map(({ name }) => name)).toEqual(expect.arrayContaining(["dev", "seed", "check:kill"]));
  expect(COMMANDS.length).toBeGreaterThanOrEqual(12);
  expect(optionsOf("tools/dev/serve.ts")).toEqual([
    "port",
    "host",
    "persist-to",
    "closed",
    "open",
    "anonymous-role",
    "anonymous-workspace",
    "allowed-origins",
    "allowed-hosts",
    "build-only",
  ]);
  expect(COMMANDS.flatMap(({ script }) => optionsOf(script)).length).toBeGreaterThanOrEqual(30);
});

describe.concurrent("command lines", () => {
  test.for(COMMANDS)(
    "[CLI-1] npm run $name says how it is called, when help is asked for",
    async ({ name, script }) => {
      const { code, stdout, stderr } = await run(name, "--help");
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toMatch(new RegExp(`^Usage: npm run ${name} -- `));
      for (const option of optionsOf(script)) expect(stdout).toContain(`--${option}`);
    },
  );

  test.for(COMMANDS)(
    "[CLI-2] npm run $name says what is wrong, when an option is unknown",
    async ({ name }) => {
      expectRefusal(name, await run(name, "--nonsense"), "Unknown option '--nonsense'");
    },
  );

  test.for([
    {
      name: "dev",
      args: ["--port", "65536"],
      says: "--port 65536: must be a whole number from 0 to 65,535.",
    },
    { name: "serve", args: ["--port", "http"], says: "--port http: must be a whole number" },
    { name: "serve", args: ["--host", ""], says: "--host must not be empty." },
    { name: "dev", args: ["--persist-to", ""], says: "--persist-to must not be empty." },
    {
      name: "serve",
      args: ["--allowed-origins", "https://a.example, b.example"],
      says: "--allowed-origins b.example: must be origins such as https://prompts.example.com.",
    },
    {
      name: "dev",
      args: ["--allowed-origins", "https://a.example/page"],
      says: "--allowed-origins https://a.example/page: must be origins",
    },
    { name: "seed", args: ["samples"], says: "Unexpected argument 'samples'" },
    { name: "e2e", args: ["--url", "http://[::1]", "--timeout", ""], says: "--timeout : must be a number" },
    { name: "load", args: ["--rate", "-1"], says: "Option '--rate' argument is ambiguous" },
    { name: "bench", args: ["--rounds", "abc"], says: "--rounds abc: must be a whole number from 1 to 20." },
    { name: "bench", args: ["--only", "yjs"], says: "--only yjs: must be of prompt-manager, " },
    { name: "bench:catalogue", args: ["--fragments", "0"], says: "--fragments 0: must be" },
    { name: "bench:idle", args: ["--sockets", "1e9"], says: "--sockets 1e9: must be" },
    { name: "bench:room", args: ["--seconds", "0"], says: "--seconds 0: must be" },
    { name: "bench:turns", args: ["--only", "nothing"], says: "--only nothing: no case has that" },
    { name: "bench:typed", args: ["--opens", "0"], says: "--opens 0: must be" },
    { name: "check:kill", args: ["--rounds", "abc"], says: "--rounds abc: must be a whole number" },
    { name: "check:kill", args: ["--edits", "0"], says: "--edits 0: must be a whole number" },
    { name: "check:kill", args: ["--compact-every", "x"], says: "--compact-every x: must be" },
    { name: "check:catalogue", args: ["--rounds", "abc"], says: "--rounds abc: must be" },
    { name: "check:catalogue", args: ["--seed", "0.5"], says: "--seed 0.5: must be" },
  ])("[CLI-2] npm run $name does nothing, when it is given $args", async ({ name, args, says }) => {
    expectRefusal(name, await run(name, ...args), says);
  });

  test.for(
    ["e2e", "load", "seed"].flatMap((name) =>
      ["http://localhost:8081/v1", "http://ann:secret@localhost:8081", "http://localhost:8081?x"].map(
        (url) => ({ name, url }),
      ),
    ),
  )("[CLI-3] npm run $name refuses the address, when it is $url", async ({ name, url }) => {
    expectRefusal(
      name,
      await run(name, "--url", url),
      "--url must be an http or https address without a path, ",
    );
  });
});
