/** The ways to run a server, each seen from outside: who is let in, and how the first one gets in. */
import { randomBytes } from "node:crypto";
import { readFile, stat, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { startServer } from "../../tools/dev/server-process.ts";
import { type RunningCommand, runCommandLine, startCommand } from "../support/server-command.ts";
import { withTemporaryDir } from "../support/temporary-dir.ts";

const newSecret = () => randomBytes(32).toString("base64");

/** What comes back for a request, with any `Host`. */
function ask(
  url: string,
  path: string,
  headers: Record<string, string> = {},
  method = "GET",
): Promise<number> {
  return new Promise((settle, fail) => {
    const sent = request(`${url}${path}`, { method, headers }, (answer) => {
      answer.resume();
      settle(answer.statusCode ?? 0);
    });
    sent.once("error", fail).end(method === "PUT" ? '{"content": "text"}' : undefined);
  });
}

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

/** A key, made by `npm run key`. */
async function makeKey(
  url: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<string> {
  const made = await runCommandLine("tools/access/key.ts", ["--url", url, ...args], env);
  expect(made).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^pm_[a-z0-9-]+_[a-z0-9]+_[a-z0-9]+\n$/),
  });
  return made.stdout.trim();
}

/** An address of this machine that is not a loopback one. */
function outerAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const outer = all.find(({ internal, family }) => !internal && family === "IPv4");
  if (outer === undefined) throw new Error("this machine has no address but the loopback");
  return outer.address;
}

describe("a deployment", () => {
  const EVERYTHING = [
    "/",
    "/docs",
    "/openapi.json",
    "/v1/fragments",
    "/v1/keys",
    "/v1/events",
    "/api/prompts",
    "/sign-in",
  ];

  test("[MODE-1] everything but /healthz is 503 and names the command, when the production bundle has no secret", async () => {
    await withTemporaryDir(async (dir) => {
      const server = await startServer({ persistTo: dir, vars: { OPEN_ACCESS: "" } });
      onTestFinished(() => server.kill());
      for (const path of EVERYTHING) {
        const answer = await fetch(`${server.url}${path}`, { headers: { accept: "application/json" } });
        expect(answer.status, path).toBe(503);
        expect(await answer.text()).toContain("npx wrangler secret put AUTH_SECRET");
      }
      const upgrade = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13" };
      const socket = { ...upgrade, "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==" };
      expect(await ask(server.url, "/v1/ws/x?create=1", socket)).toBe(503);
      expect(await ask(server.url, "/healthz")).toBe(200);
      await server.kill();
    });
  });

  test("[MODE-1] it is closed, when it has a secret and nothing else was set", async () => {
    await withTemporaryDir(async (dir) => {
      const secrets = { AUTH_SECRET: newSecret() };
      const server = await startServer({ persistTo: dir, vars: { OPEN_ACCESS: "" }, secrets });
      onTestFinished(() => server.kill());
      expect(await ask(server.url, "/v1/tags")).toBe(401);
      const key = await makeKey(server.url, ["--role", "admin"], secrets);
      expect(await ask(server.url, "/v1/tags", bearer(key))).toBe(200);
      await server.kill();
    });
  });
});

describe("npm run serve", () => {
  async function statuses({ url }: RunningCommand) {
    return {
      read: await ask(url, "/v1/tags"),
      write: await ask(url, "/v1/fragments/modes/text", {}, "PUT"),
      administer: await ask(url, "/v1/keys"),
      "read under a foreign name": await ask(url, "/v1/tags", { host: "evil.example" }),
      "read by a foreign page": await ask(url, "/v1/tags", { origin: "https://evil.example" }),
      "read by a page of this machine": await ask(url, "/v1/tags", { origin: "http://localhost:5173" }),
    };
  }
  const CLOSED = {
    read: 401,
    write: 401,
    administer: 401,
    "read under a foreign name": 401,
    "read by a foreign page": 403,
    "read by a page of this machine": 403,
  };
  const FOREIGN = { "read under a foreign name": 403, "read by a foreign page": 403 };

  test.each([
    [
      "on 127.0.0.1",
      [],
      { read: 200, write: 201, administer: 200, ...FOREIGN, "read by a page of this machine": 200 },
    ],
    ["on localhost", ["--host", "localhost"], { read: 200, ...FOREIGN }],
    ["on 127.0.0.1, --closed", ["--closed"], CLOSED],
    ["on all addresses", ["--host", "0.0.0.0"], CLOSED],
    [
      "on all addresses, --open",
      ["--host", "0.0.0.0", "--open"],
      { read: 200, write: 201, administer: 200, ...FOREIGN, "read by a page of this machine": 403 },
    ],
    [
      "closed, for anonymous viewers",
      ["--closed", "--anonymous-role", "viewer"],
      { read: 200, write: 403, administer: 403, ...FOREIGN },
    ],
    [
      "closed, for anonymous editors",
      ["--closed", "--anonymous-role", "editor"],
      { read: 200, write: 201, administer: 403, ...FOREIGN },
    ],
    [
      "with a name of its own",
      ["--allowed-hosts", "evil.example", "--allowed-origins", "https://evil.example"],
      { read: 200, "read under a foreign name": 200, "read by a foreign page": 200 },
    ],
  ] as const)(
    "[MODE-3] a server lets in whom its command line says, when it listens %s",
    async (_, args, expected) => {
      await withTemporaryDir(async (dir) => {
        const server = await startCommand("serve", [...args, `--persist-to=${dir}`]);
        expect(await statuses(server)).toMatchObject(expected);
        await server.stop();
      });
    },
  );

  test("[MODE-3] a server that others reach is closed to them, when they call its address", async () => {
    await withTemporaryDir(async (dir) => {
      const host = outerAddress();
      const server = await startCommand("serve", ["--host", host, `--persist-to=${dir}`]);
      expect(server.url).toContain(host);
      expect(await ask(server.url, "/v1/tags")).toBe(401);
      await server.stop();
    });
  });

  test("[MODE-3] the environment says it, when no option does", async () => {
    await withTemporaryDir(async (dir) => {
      const env = { ANONYMOUS_ROLE: "viewer", ALLOWED_ORIGINS: "https://evil.example" };
      const server = await startCommand("serve", ["--closed", `--persist-to=${dir}`], env);
      expect(await statuses(server)).toMatchObject({ read: 200, write: 403, "read by a foreign page": 200 });
      await server.stop();
      const other = ["--closed", "--anonymous-role", "none", `--persist-to=${dir}`];
      expect((await statuses(await startCommand("serve", other, env))).read).toBe(401);
    });
  });

  test.each<[string, string[], Record<string, string>, number]>([
    ["--anonymous-role admin", ["--closed", "--anonymous-role", "admin"], {}, 2],
    ["--anonymous-role (ANONYMOUS_ROLE) is for a closed server", ["--anonymous-role", "viewer"], {}, 2],
    ["--anonymous-role (ANONYMOUS_ROLE) is for a closed server", [], { ANONYMOUS_ROLE: "viewer" }, 2],
    ["ANONYMOUS_ROLE root", ["--closed"], { ANONYMOUS_ROLE: "root" }, 2],
    ["--anonymous-workspace Big Team", ["--closed", "--anonymous-workspace", "Big Team"], {}, 2],
    ["--allowed-hosts https://a.example", ["--allowed-hosts", "https://a.example"], {}, 2],
    ["ALLOWED_ORIGINS *", [], { ALLOWED_ORIGINS: "*" }, 2],
    ["--open and --closed exclude each other", ["--open", "--closed"], {}, 2],
    ["AUTH_SECRET of the environment must have at least 43 characters", [], { AUTH_SECRET: "short" }, 1],
  ])("[MODE-2] serve starts nothing and says: %s", async (says, args, env, code) => {
    await withTemporaryDir(async (dir) => {
      const ended = await runCommandLine(
        "tools/dev/serve.ts",
        ["--port=0", `--persist-to=${dir}`, ...args],
        env,
      );
      expect(ended).toMatchObject({ code, stdout: "" });
      expect(ended.stderr).toContain(`npm run serve: ${says}`);
      expect(ended.stderr).not.toMatch(/short/);
    });
  });
});

describe("npm run dev", () => {
  test("[MODE-3] it is open to this machine, and with --closed it is not", async () => {
    await withTemporaryDir(async (dir) => {
      const open = await startCommand("dev", [`--persist-to=${dir}`]);
      expect(await ask(open.url, "/v1/tags")).toBe(200);
      expect(await ask(open.url, "/v1/tags", { host: "evil.example" })).toBe(403);
      expect(await ask(open.url, "/v1/tags", { origin: "https://evil.example" })).toBe(403);
      await open.stop();
      const closed = await startCommand("dev", ["--closed", `--persist-to=${dir}`]);
      expect(await ask(closed.url, "/v1/tags")).toBe(401);
      const key = await makeKey(closed.url, ["--role", "viewer", "--persist-to", dir]);
      expect(await ask(closed.url, "/v1/tags", bearer(key))).toBe(200);
      expect(closed.output()).toMatch(/^ {2}sign in {2}http\S+#\S+ /m);
      await closed.stop();
    });
  });
});

describe("the first one to come in", () => {
  const linkIn = (output: string) => /^ {2}sign in {2}(\S+)#(\S+) /m.exec(output);

  async function signIn(url: string, invitation: string): Promise<number> {
    const answer = await fetch(`${url}/sign-in`, {
      method: "POST",
      headers: { origin: url },
      body: new URLSearchParams({ invitation }),
      redirect: "manual",
    });
    return answer.status;
  }

  test("[MODE-4] a link is printed that signs in once as an admin, when nobody has a key yet", async () => {
    await withTemporaryDir(async (dir) => {
      const args = ["--closed", `--persist-to=${dir}`];
      const first = await startCommand("serve", args);
      const [, page, unused = ""] = linkIn(first.output()) ?? [];
      expect(page).toBe(`${first.url}/sign-in`);
      await first.stop();

      const second = await startCommand("serve", args);
      const [, , invitation = ""] = linkIn(second.output()) ?? [];
      expect(await signIn(second.url, unused)).toBe(403); // that of the earlier start has ended
      expect(await signIn(second.url, invitation)).toBe(303);
      expect(await signIn(second.url, invitation)).toBe(403);
      await second.stop();

      const third = await startCommand("serve", args);
      expect(linkIn(third.output())).toBeNull();
    });
  });

  test("[MODE-4] no link is printed, when a program has a key", async () => {
    await withTemporaryDir(async (dir) => {
      const args = ["--closed", `--persist-to=${dir}`];
      const first = await startCommand("serve", args);
      await makeKey(first.url, ["--role", "viewer", "--persist-to", dir]);
      await first.stop();
      expect(linkIn((await startCommand("serve", args)).output())).toBeNull();
    });
  });
});

describe("the secret", () => {
  test("[MODE-5] it is made once, for its owner only, and neither printed nor put into another file", async () => {
    await withTemporaryDir(async (dir) => {
      const args = ["--closed", `--persist-to=${dir}`];
      const first = await startCommand("serve", args);
      const file = join(dir, "auth-secret");
      const secret = await readFile(file, "utf8");
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      expect(first.output()).not.toContain(secret.trim());
      const key = await makeKey(first.url, ["--role", "admin", "--persist-to", dir]);
      await first.stop();
      const second = await startCommand("serve", args);
      expect(await readFile(file, "utf8")).toBe(secret);
      expect(await ask(second.url, "/v1/keys", bearer(key))).toBe(200);
    });
  });

  test("[MODE-5] that of the environment wins, when both are there", async () => {
    await withTemporaryDir(async (dir) => {
      const env = { AUTH_SECRET: newSecret() };
      await writeFile(join(dir, "auth-secret"), newSecret());
      const server = await startCommand("serve", ["--closed", `--persist-to=${dir}`], env);
      await makeKey(server.url, ["--role", "admin"], env);
      const wrong = ["--url", server.url, "--role", "admin", "--persist-to", dir];
      expect(await runCommandLine("tools/access/key.ts", wrong)).toMatchObject({
        code: 1,
        stdout: "",
        stderr: expect.stringContaining(
          `${server.url} does not take the secret in "${dir}". Set AUTH_SECRET, or`,
        ),
      });
    });
  });

  test("[MODE-5] one that is too short is refused without being shown, when it is in the file", async () => {
    await withTemporaryDir(async (dir) => {
      await writeFile(join(dir, "auth-secret"), "hunter2");
      const ended = await runCommandLine("tools/dev/serve.ts", ["--port=0", `--persist-to=${dir}`]);
      expect(ended).toMatchObject({ code: 1, stdout: "" });
      expect(ended.stderr).toMatch(/^npm run serve: The secret in ".*" must have at least 43 characters/);
      expect(ended.stderr).not.toContain("hunter2");
    });
  });
});
