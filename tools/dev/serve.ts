/**
 * `npm run serve`: the production bundle on workerd, without the proxy and the file watching of `wrangler dev`. When the
 * server is healthy, one line of standard output says `ready pid=PID url=URL`, where PID is workerd's.
 *
 * SIGINT, SIGTERM and SIGHUP end workerd, with exit code 0; a second signal ends it without waiting for open requests.
 * When workerd ends by itself, its exit code is passed on. When this script is killed, workerd ends too on Linux, and
 * keeps running elsewhere (child-lifetime.ts).
 */
import { join, resolve } from "node:path";
import { operatorToken } from "../access/access-server.ts";
import { type AuthSecrets, claimSecrets } from "../access/auth-secret.ts";
import { runCommand } from "../command-line.ts";
import { flag, parseOptions, text, type ValuesOf } from "../command-options.ts";
import { DEFAULT_PORT } from "../server-url.ts";
import { type AccessMode, accessMode, anonymousRole, anonymousWorkspace } from "./access-mode.ts";
import { allowedHosts, allowedOrigins } from "./allowed-callers.ts";
import { catalogueWarning } from "./catalogue-state.ts";
import { addressFault, port } from "./listen-address.ts";
import { describeSteps } from "./next-steps.ts";
import { buildBundle, DEFAULT_BUNDLE_DIR } from "./production-bundle.ts";
import { startServer, writeConfig } from "./server-process.ts";
import { claimStorageDir } from "./storage-dir.ts";
import { PROJECT_DIR } from "./wrangler-command.ts";

const OPTIONS = {
  port: port(),
  host: text("127.0.0.1"),
  "persist-to": text(join(PROJECT_DIR, ".wrangler", "serve")),
  closed: flag(),
  open: flag(),
  // Null for those of wrangler.toml.
  "anonymous-role": anonymousRole(),
  "anonymous-workspace": anonymousWorkspace(),
  "allowed-origins": allowedOrigins(),
  "allowed-hosts": allowedHosts(),
  "build-only": flag(),
};

const USAGE = `Usage: npm run serve -- [--port N] [--persist-to DIR] [--host ADDRESS] [--closed | --open] [--build-only]
       [--anonymous-role ROLE] [--anonymous-workspace NAME] [--allowed-origins LIST] [--allowed-hosts LIST]

The production bundle on workerd, in one process. Programs of this machine need no key, unless it is --closed. With a --host
that others reach it is closed, unless it is --open.

  --port N                    ${DEFAULT_PORT} unless given; 0 takes a free port
  --persist-to DIR            the directory of the fragments and of the secret; .wrangler/serve unless given
  --host ADDRESS              the address to listen on; 127.0.0.1 unless given, which only this machine reaches
  --closed                    ask everybody for a key, a token or a sign-in (npm run key makes the first key)
  --open                      let everybody who reaches the port read, change and delete everything
  --anonymous-role ROLE       none, viewer or editor: what callers without a key may do in a closed server; none unless given
  --anonymous-workspace NAME  the workspace of callers without a key; default unless given
  --allowed-origins LIST      pages of these origins may call, too, such as https://a.example,https://b.example
  --allowed-hosts LIST        names of this server, such as prompts.example.com, if others reach it by a name
  --build-only                build the bundle and end; the next start is then quick

The environment sets ANONYMOUS_ROLE, ANONYMOUS_WORKSPACE, ALLOWED_ORIGINS and ALLOWED_HOSTS where no option does, and it alone
sets AUTH_SECRET, AUTH_SECRET_OLD and the IDENTITY_… variables.`;

interface Settings extends ValuesOf<typeof OPTIONS> {
  readonly mode: AccessMode;
}

await runCommand({ name: "npm run serve", usage: USAGE, parse, tellsFailures: true }, serve);

function parse(args: readonly string[]): Settings {
  const options = parseOptions(args, OPTIONS);
  return { ...options, mode: accessMode(options.host, options.open, options) };
}

/** Returns the exit code. */
async function serve({ port, host, mode, "build-only": buildsOnly, ...options }: Settings): Promise<number> {
  const persistTo = resolve(options["persist-to"]);
  const secrets = buildsOnly ? null : await checkSettings(host, port, persistTo);
  if (!buildsOnly && mode.openness === "anyone") warnOfOpenness(host);
  const bundleDir = await buildBundle(DEFAULT_BUNDLE_DIR, () =>
    console.log("Building the server. This takes some seconds, once after each change of the source."),
  );
  if (secrets === null) {
    await writeConfig(bundleDir, mode.vars);
    console.log(`The bundle is in ${bundleDir}.`);
    return 0;
  }
  const server = await startServer({
    port,
    host,
    persistTo,
    bundleDir,
    vars: mode.vars,
    secrets,
    onOutput: (text) => process.stdout.write(text),
  });
  let isStopping = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      void (isStopping ? server.kill() : server.stop());
      isStopping = true;
    });
  }
  const operator = await operatorToken(secrets.AUTH_SECRET, mode.workspace);
  const warning = await catalogueWarning(server.url, operator);
  console.log(`ready pid=${server.pid} url=${server.url}`);
  console.log(await describeSteps(server.url, mode, persistTo, operator));
  if (warning !== null) console.error(warning);

  const code = await server.exited;
  if (isStopping) return 0;
  console.error(`npm run serve: workerd ended ${code === null ? "by a signal" : `with exit code ${code}`}`);
  return code ?? 1;
}

/** Throws before the build what would throw after it. Returns the secrets of the server. */
async function checkSettings(host: string, port: number, persistTo: string): Promise<AuthSecrets> {
  const fault = await addressFault(host, port);
  if (fault !== null) throw new Error(fault);
  const release = await claimStorageDir(persistTo);
  const secrets = await claimSecrets(persistTo);
  release(); // the server claims it again after the build
  return secrets;
}

function warnOfOpenness(host: string): void {
  console.error(
    `Warning: with --open, everyone who reaches the port can read, change and delete all fragments. Put a proxy that asks for a password in front of ${host}, or leave --open out (docs/self-hosting.md).`,
  );
}
