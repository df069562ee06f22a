/**
 * `npm run key`: makes, lists and revokes the keys of programs, with the secret of the server. A new key is all that stands
 * on standard output, so that it can be piped:
 *
 *     export PROMPT_MANAGER_KEY=$(npm run -s key -- --url https://prompts.example.com --role admin)
 */
import * as v from "valibot";
import { ROLES, type Role } from "../../src/protocol/access.ts";
import { type Key, KeyPageSchema, NewKeySchema } from "../../src/protocol/principals.ts";
import { runCommand, UsageError } from "../command-line.ts";
import { flag, type Option, parsed, parseOptions, text, texts, type ValuesOf } from "../command-options.ts";
import { DEFAULT_SERVER_URL, parseServerUrl } from "../server-url.ts";
import type { AccessServer } from "./access-server.ts";
import { givenCredential, KEY_VARIABLE } from "./credential.ts";
import { parseExpiry } from "./expiry.ts";
import { operatorServer } from "./operator-server.ts";
import { DEFAULT_WORKSPACE, workspaceName } from "./workspace-name.ts";

const OPTIONS = {
  url: parsed(DEFAULT_SERVER_URL, parseServerUrl),
  workspace: workspaceName(),
  role: role(),
  name: text("npm run key"),
  prefix: texts(),
  expires: expiry(),
  list: flag(),
  revoke: text(),
  key: givenCredential(),
  "secret-file": text(),
  "persist-to": text(),
};

const USAGE = `Usage: npm run key -- --role ROLE [--url URL] [--workspace NAME] [--name NAME] [--prefix PREFIX]... [--expires WHEN]
       npm run key -- --list | --revoke ID [--url URL] [--workspace NAME]

Makes a key for a program, and prints it. The server stores only its hash: it cannot be shown again.

  --role ROLE         viewer, editor or admin
  --url URL           the server; ${DEFAULT_SERVER_URL} unless given
  --workspace NAME    the tenant, which is made if it is new; that of the key, or ${DEFAULT_WORKSPACE}, unless given
  --name NAME         what the key is for, in a few words
  --prefix PREFIX     the key is for ids that begin with this, such as team/; may be given several times; all ids unless given
  --expires WHEN      when it ends: 12h, 30d, or a time such as 2027-01-31T00:00:00Z; never unless given
  --list              list the keys, one a line
  --revoke ID         end the key with this id; its sockets are closed
  --secret-file FILE  the file with the server's AUTH_SECRET
  --persist-to DIR    the directory of a server of this machine, which has its secret
  --key KEY           a key of an admin, instead of the secret

Without these three, the command uses the first that the server takes: the secret in AUTH_SECRET, that of a server which was
started on this machine without --persist-to, the key in ${KEY_VARIABLE}.`;

await runCommand({ name: "npm run key", usage: USAGE, parse, tellsFailures: true }, run);

type Settings = ValuesOf<typeof OPTIONS>;

function parse(args: readonly string[]): Settings {
  const settings = parseOptions(args, OPTIONS);
  const asked = [settings.role !== null, settings.list, settings.revoke !== null].filter(Boolean);
  if (asked.length !== 1) throw new UsageError("Give one of --role, --list and --revoke.");
  return settings;
}

/** Returns the exit code. */
async function run(settings: Settings): Promise<number> {
  const { url, workspace, key, "secret-file": secretFile, "persist-to": persistTo } = settings;
  const server = await operatorServer({ url, workspace, key, secretFile, persistTo });
  if (settings.list) await list(server);
  else if (settings.revoke !== null) await revoke(server, settings.revoke);
  else await make(server, settings);
  return 0;
}

async function make(server: AccessServer, { role, name, prefix, expires }: Settings): Promise<void> {
  const made = await server.call(NewKeySchema, "POST", "/v1/keys", {
    name,
    role,
    prefixes: prefix.length === 0 ? null : prefix,
    expires_at: expires,
  });
  console.error(`Made the key ${made.id}, which is shown only this once:`);
  console.log(made.key);
}

async function list(server: AccessServer): Promise<void> {
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? "" : `?cursor=${encodeURIComponent(cursor)}`;
    const page: v.InferOutput<typeof KeyPageSchema> = await server.call(
      KeyPageSchema,
      "GET",
      `/v1/keys${query}`,
    );
    for (const key of page.keys) console.log(describe(key));
    cursor = page.next_cursor;
  } while (cursor !== null);
}

async function revoke(server: AccessServer, id: string): Promise<void> {
  await server.call(v.null(), "DELETE", `/v1/keys/${encodeURIComponent(id)}`);
  console.error(`The key ${id} is revoked.`);
}

/** On one line. */
function describe({ id, name, role, prefixes, expires_at, last_used }: Key): string {
  const where = prefixes === null ? "all ids" : prefixes.join(" ");
  const end = expires_at === null ? "no end" : `until ${expires_at}`;
  const use = last_used === null ? "never used" : `last used ${last_used}`;
  return `${id}  ${role.padEnd(6)}  ${where}  ${end}  ${use}  ${name}`;
}

function role(): Option<Role | null> {
  return {
    type: "string",
    read: (name, given) => {
      const role = ROLES.find((one) => one === given);
      if (given !== undefined && role === undefined)
        throw new UsageError(`--${name} ${given}: must be viewer, editor or admin.`);
      return role ?? null;
    },
  };
}

function expiry(): Option<string | null> {
  return {
    type: "string",
    read: (name, given) => {
      if (typeof given !== "string") return null;
      const time = parseExpiry(given, Date.now());
      if (time === null)
        throw new UsageError(
          `--${name} ${given}: must be a time to come, such as 12h, 30d or 2027-01-31T00:00:00Z.`,
        );
      return time;
    },
  };
}
