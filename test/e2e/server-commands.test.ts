import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { cp, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { configWithoutRoutes } from "../../tools/dev/dev-config.ts";
import { buildBundle, DEFAULT_BUNDLE_DIR } from "../../tools/dev/production-bundle.ts";
import { startServer } from "../../tools/dev/server-process.ts";
import { PROJECT_DIR } from "../../tools/dev/wrangler-command.ts";
import { HANG_LIMIT_MS } from "../support/hang-limit.ts";
import { startCommand } from "../support/server-command.ts";
import { withTemporaryDir } from "../support/temporary-dir.ts";

// How `npm run dev` and `npm run serve` start, and how they say that they cannot.

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that starts a server, although it must not, is ended after a while. */
function run(args: readonly string[]): Promise<Ended> {
  return new Promise((settle) => {
    const options = { cwd: PROJECT_DIR, timeout: HANG_LIMIT_MS };
    const child = execFile(process.execPath, args, options, (_, stdout, stderr) =>
      settle({ code: child.exitCode, stdout, stderr }),
    );
  });
}

const COMMANDS = ["dev", "serve"] as const;

function start(command: (typeof COMMANDS)[number], args: readonly string[]): Promise<Ended> {
  return run([`tools/dev/${command}.ts`, ...args]);
}

/** One sentence, no stack, and nothing on standard output: nothing was built or started. */
function expectSentence(ended: Ended, command: string, says: RegExp): void {
  expect(ended).toMatchObject({ code: 1, stdout: "" });
  expect(ended.stderr).toMatch(says);
  expect(ended.stderr.trimEnd().split("\n")).toHaveLength(1);
  expect(ended.stderr.startsWith(`npm run ${command}: `)).toBe(true);
}

async function takenPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((settle) => server.listen({ host: "localhost", port: 0 }, settle));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port; // it listens on a port
}

describe.each(COMMANDS)("npm run %s", (command) => {
  test("[CLI-7] a command says that the port is taken before it builds, when another server has the port", async () => {
    const port = await takenPort();
    const host = command === "dev" ? [] : ["--host", "localhost"];
    const ended = await start(command, ["--port", String(port), ...host]);
    expectSentence(ended, command, new RegExp(`Port ${port} of localhost is taken.* --port`));
  });

  test.each([
    ["a file", "file", /it is a file, and --persist-to needs a directory/],
    ["below a file", "file/data", /a part of this path is a file/],
  ])(
    "[CLI-7] a command says that it cannot keep fragments there, when --persist-to is %s",
    async (_, path, says) => {
      await withTemporaryDir(async (dir) => {
        await writeFile(join(dir, "file"), "");
        const ended = await start(command, ["--port", "0", "--persist-to", join(dir, path)]);
        expectSentence(ended, command, says);
        expect(ended.stderr).toContain(join(dir, path));
      });
    },
  );
});

test.each(COMMANDS)(
  "[CLI-12] npm run %s says that the directory is in use, when another server uses it, and starts when that one is gone",
  async (command) => {
    await withTemporaryDir(async (dir) => {
      const first = await startServer({ persistTo: dir });
      onTestFinished(() => first.kill());
      const ended = await start(command, ["--port", "0", "--persist-to", dir]);
      expectSentence(ended, command, /Another server uses .* --persist-to/);
      await first.kill();
      const second = await startServer({ persistTo: dir });
      await second.kill();
    });
  },
);

test("[CLI-7] serve says that the address is not this machine's, when --host is that of another", async () => {
  const ended = await start("serve", ["--port", "0", "--host", "203.0.113.9"]);
  expectSentence(ended, "serve", /no address "203\.0\.113\.9".* --host/);
});

test.each([
  { host: "0.0.0.0", option: "--open", warns: true },
  { host: "0.0.0.0", option: "--closed", warns: false },
  { host: "127.0.0.1", option: "--closed", warns: false },
])(
  "[CLI-8] serve warns of an open server: $warns, when it is $option on $host",
  async ({ host, option, warns }) => {
    await withTemporaryDir(async (dir) => {
      const server = await startCommand("serve", [`--host=${host}`, option, `--persist-to=${dir}`]);
      const warning = /^Warning: with --open, everyone .* can read, change and delete/m;
      expect(warning.test(server.output())).toBe(warns);
      await server.stop();
    });
  },
);

describe("the configuration of dev", () => {
  test.each([
    ['[[routes]]\npattern = "a.example"\ncustom_domain = true\n'],
    ['[[ routes ]]\npattern = "a.example/*"\nzone_name = "a.example"\n'],
  ])("[CLI-16] it has everything but the routes, when wrangler.toml ends with %j", async (routes) => {
    await withTemporaryDir(async (dir) => {
      const file = join(dir, "wrangler.toml");
      const own = readFileSync(join(PROJECT_DIR, "wrangler.toml"), "utf8");
      await writeFile(file, `${own}\n${routes}`);
      const copy = JSON.parse(readFileSync((await configWithoutRoutes(dir)) ?? "", "utf8"));
      expect(copy).not.toHaveProperty("routes");
      expect(copy).toMatchObject({
        name: "prompt-manager",
        main: "src/worker/index.ts",
        vars: { OPEN_ACCESS: "" },
      });
    });
  });

  test("[CLI-16] it is wrangler.toml itself, when that has no routes", async () => {
    expect(await configWithoutRoutes()).toBeNull();
  });
});

describe("the bundle", () => {
  class Builds extends Error {}
  const attempt = (dir: string) =>
    buildBundle(dir, () => {
      throw new Builds();
    });

  test("[CLI-9] the bundle is not built again, when nothing has changed", async () => {
    await withTemporaryDir(async (dir) => {
      await cp(DEFAULT_BUNDLE_DIR, dir, { recursive: true });
      expect(await attempt(dir)).toBe(dir);
    });
  });

  test.each([
    ["it was built from other sources", "built-from"],
    ["its main module is another one", "index.js"],
  ])("[CLI-9] the bundle is built again, when %s", async (_, file) => {
    await withTemporaryDir(async (dir) => {
      await cp(DEFAULT_BUNDLE_DIR, dir, { recursive: true });
      await writeFile(join(dir, file), "other");
      await expect(attempt(dir)).rejects.toThrow(Builds);
    });
  });

  test("[CLI-7] the bundle is not built and a sentence says what to do, when its directory cannot be made", async () => {
    await withTemporaryDir(async (dir) => {
      await writeFile(join(dir, "file"), "");
      await expect(buildBundle(join(dir, "file", "bundle"))).rejects.toThrow(
        /^The server cannot be built into .* \(ENOTDIR\)\. .* --build-only$/,
      );
    });
  });

  test("[CLI-9] the bundle is built, when there is none", async () => {
    await withTemporaryDir(async (dir) => {
      await expect(attempt(dir)).rejects.toThrow(Builds);
    });
  });
});

test.each([
  { version: "18.20.8", code: 1, says: /needs Node 20 or newer, and this is Node 18\.20\.8/ },
  { version: "20.0.0", code: 0, says: /^$/ },
])("[CLI-10] the installation ends with $code, when Node is $version", async ({ version, code, says }) => {
  const script = `Object.defineProperty(process.versions, "node", { value: "${version}" });
    require("./tools/dev/node-version.cjs");`;
  const ended = await run(["-e", script]);
  expect(ended.code).toBe(code);
  expect(ended.stderr).toMatch(says);
});

test("[CLI-11] npm ci runs the install scripts that are allowed, whatever registry it asks", () => {
  const read = (file: string) => JSON.parse(readFileSync(join(PROJECT_DIR, file), "utf8"));
  const { allowScripts }: { allowScripts: Record<string, true> } = read("package.json");
  const { packages }: { packages: Record<string, { hasInstallScript?: true; resolved?: string }> } =
    read("package-lock.json");
  const silent = Object.keys(allowScripts).filter(
    (name) => packages[`node_modules/${name}`]?.hasInstallScript !== true,
  );
  expect(silent).toEqual([]);
  expect(Object.values(packages).filter(({ resolved }) => resolved !== undefined)).toEqual([]);
});
