/**
 * `npm run serve -- [--port N] [--persist-to DIR] [--host ADDRESS] [--allowed-origins LIST]`: the production bundle on
 * workerd, without the proxy and the file watching of `wrangler dev`. Port 0 takes a free one. When the server is healthy,
 * one line of standard output says `ready pid=PID url=URL`, where PID is workerd's.
 *
 * SIGINT, SIGTERM and SIGHUP end workerd, with exit code 0; a second one does not wait for open requests. When workerd
 * ends by itself, its exit code is ours. When this script is killed, workerd ends with it on Linux; elsewhere it stays, see
 * child-lifetime.ts.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Command, runCommand } from "../command-line.ts";
import { DEFAULT_PORT } from "../server-url.ts";
import { parseAllowedOrigins } from "./allowed-origins.ts";
import { describeNextSteps } from "./next-steps.ts";
import { parsePort } from "./port.ts";
import { buildBundle, startServer } from "./server-process.ts";
import { PROJECT_DIR } from "./wrangler-command.ts";

interface Settings {
  readonly port: number;
  readonly host: string;
  readonly persistTo: string;
  /** Variables of the worker, over those of wrangler.toml. */
  readonly vars: Readonly<Record<string, string>>;
}

const USAGE = `Usage: npm run serve -- [--port N] [--persist-to DIR] [--host ADDRESS] [--allowed-origins LIST]

The production bundle on workerd, one process.

  --port N                 ${DEFAULT_PORT} unless given; 0 takes a free one
  --persist-to DIR         where the fragments are kept; .wrangler/serve unless given
  --host ADDRESS           where to listen; 127.0.0.1 unless given
  --allowed-origins LIST   whose pages may call from a browser, such as https://a.example,https://b.example; all unless given`;

const SERVE: Command<Settings> = { name: "npm run serve", usage: USAGE, parse, tellsFailures: true };

await runCommand(SERVE, serve);

function parse(args: string[]): Settings {
  const { values } = parseArgs({
    args,
    options: {
      port: { type: "string", default: DEFAULT_PORT },
      "persist-to": { type: "string", default: join(PROJECT_DIR, ".wrangler", "serve") },
      host: { type: "string", default: "127.0.0.1" },
      "allowed-origins": { type: "string" },
    },
  });
  const origins = values["allowed-origins"];
  const vars = origins === undefined ? {} : { ALLOWED_ORIGINS: parseAllowedOrigins(origins) };
  return { port: parsePort(values.port), host: values.host, persistTo: values["persist-to"], vars };
}

/** Returns the exit code. */
async function serve(settings: Settings): Promise<number> {
  const server = await startServer({
    ...settings,
    bundleDir: await buildBundle(),
    onOutput: (text) => process.stdout.write(text),
  });
  let isStopping = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      void (isStopping ? server.kill() : server.stop());
      isStopping = true;
    });
  }
  console.log(`ready pid=${server.pid} url=${server.url}`);
  console.log(describeNextSteps(server.url));

  const code = await server.exited;
  if (isStopping) return 0;
  console.error(`npm run serve: workerd ended, ${code === null ? "by a signal" : `with exit code ${code}`}`);
  return code ?? 1;
}
