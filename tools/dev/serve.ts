/**
 * `npm run serve`: the production bundle on workerd, without the proxy and the file watching of `wrangler dev`. When the
 * server is healthy, one line of standard output says `ready pid=PID url=URL`, where PID is workerd's.
 *
 * SIGINT, SIGTERM and SIGHUP end workerd, with exit code 0; a second signal ends it without waiting for open requests.
 * When workerd ends by itself, its exit code is passed on. When this script is killed, workerd ends too on Linux, and
 * keeps running elsewhere (child-lifetime.ts).
 */
import { join, resolve } from "node:path";
import { isLoopbackHost } from "../../src/protocol/hosts.ts";
import { runCommand } from "../command-line.ts";
import { flag, parseOptions, text, type ValuesOf } from "../command-options.ts";
import { DEFAULT_PORT } from "../server-url.ts";
import { allowedOrigins } from "./allowed-callers.ts";
import { catalogueWarning } from "./catalogue-state.ts";
import { addressFault, port } from "./listen-address.ts";
import { describeNextSteps } from "./next-steps.ts";
import { buildBundle, DEFAULT_BUNDLE_DIR } from "./production-bundle.ts";
import { startServer, writeConfig } from "./server-process.ts";
import { claimStorageDir } from "./storage-dir.ts";
import { PROJECT_DIR } from "./wrangler-command.ts";

const OPTIONS = {
  port: port(),
  host: text("127.0.0.1"),
  "persist-to": text(join(PROJECT_DIR, ".wrangler", "serve")),
  /** Null for those of wrangler.toml. */
  "allowed-origins": allowedOrigins(),
  "build-only": flag(),
};

const USAGE = `Usage: npm run serve -- [--port N] [--persist-to DIR] [--host ADDRESS] [--allowed-origins LIST] [--build-only]

The production bundle on workerd, in one process.

  --port N                 ${DEFAULT_PORT} unless given; 0 takes a free port
  --persist-to DIR         the directory of the fragments; .wrangler/serve unless given
  --host ADDRESS           the address to listen on; 127.0.0.1 unless given, which only this machine reaches
  --allowed-origins LIST   pages of these origins may call from a browser, such as https://a.example,https://b.example; all unless given
  --build-only             build the bundle and end; the next start is then quick`;

await runCommand(
  { name: "npm run serve", usage: USAGE, parse: (args) => parseOptions(args, OPTIONS), tellsFailures: true },
  serve,
);

/** Returns the exit code. */
async function serve(options: ValuesOf<typeof OPTIONS>): Promise<number> {
  const { port, host, "allowed-origins": origins, "build-only": buildsOnly } = options;
  const persistTo = resolve(options["persist-to"]);
  if (!buildsOnly) await checkSettings(host, port, persistTo);
  const bundleDir = await buildBundle(DEFAULT_BUNDLE_DIR, () =>
    console.log("Building the server. This takes some seconds, once after each change of the source."),
  );
  const vars = origins === null ? {} : { ALLOWED_ORIGINS: origins };
  if (buildsOnly) {
    await writeConfig(bundleDir, vars);
    console.log(`The bundle is in ${bundleDir}.`);
    return 0;
  }
  const server = await startServer({
    port,
    host,
    persistTo,
    bundleDir,
    vars,
    onOutput: (text) => process.stdout.write(text),
  });
  let isStopping = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      void (isStopping ? server.kill() : server.stop());
      isStopping = true;
    });
  }
  const warning = await catalogueWarning(server.url);
  console.log(`ready pid=${server.pid} url=${server.url}`);
  console.log(describeNextSteps(server.url));
  if (warning !== null) console.error(warning);

  const code = await server.exited;
  if (isStopping) return 0;
  console.error(`npm run serve: workerd ended ${code === null ? "by a signal" : `with exit code ${code}`}`);
  return code ?? 1;
}

/** Throws before the build what would throw after it, and warns of a server that others can reach. */
async function checkSettings(host: string, port: number, persistTo: string): Promise<void> {
  const fault = await addressFault(host, port);
  if (fault !== null) throw new Error(fault);
  const release = await claimStorageDir(persistTo);
  release(); // the server claims it again after the build
  if (isLoopbackHost(host)) return;
  console.error(
    `Warning: ${host} can be reached from other machines, and there are no accounts: everyone who reaches the port can read, change and delete all fragments. Put a proxy that asks for a password in front of it (docs/self-hosting.md).`,
  );
}
