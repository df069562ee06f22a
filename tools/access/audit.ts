/**
 * `npm run audit`: prints the audit log of a workspace, the newest entry first. With `--json`, each entry is one line of
 * JSON. It ends early, without an error, when nobody reads on (`| head`).
 */
import type * as v from "valibot";
import { AUDIT_ACTIONS, type AuditEntry, AuditPageSchema } from "../../src/protocol/audit.ts";
import { whenOutputCloses } from "../closed-output.ts";
import { runCommand } from "../command-line.ts";
import { flag, parsed, parseOptions, text, type ValuesOf, whole } from "../command-options.ts";
import { DEFAULT_SERVER_URL, parseServerUrl } from "../server-url.ts";
import { givenCredential, KEY_VARIABLE } from "./credential.ts";
import { operatorServer } from "./operator-server.ts";
import { DEFAULT_WORKSPACE, workspaceName } from "./workspace-name.ts";

const MAX_ENTRIES = 1_000_000;

const OPTIONS = {
  url: parsed(DEFAULT_SERVER_URL, parseServerUrl),
  workspace: workspaceName(),
  principal: text(),
  action: text(),
  id: text(),
  since: text(),
  most: whole(1_000, 1, MAX_ENTRIES),
  json: flag(),
  key: givenCredential(),
  "secret-file": text(),
  "persist-to": text(),
};

const USAGE = `Usage: npm run audit -- [--url URL] [--workspace NAME] [--principal WHO] [--action ACTION] [--id ID] [--since TIME]
       [--most N] [--json]

Prints who did what in a workspace, the newest first. The log reaches back 90 days, and has no content of fragments.

  --url URL           the server; ${DEFAULT_SERVER_URL} unless given
  --workspace NAME    the tenant; that of the key, or ${DEFAULT_WORKSPACE}, unless given
  --principal WHO     what this one did, such as key:ID or user:ID
  --action ACTION     only this: ${AUDIT_ACTIONS.slice(0, 4).join(", ")} …
  --id ID             what was done on this fragment, key, user or invitation
  --since TIME        then or later, such as 2026-11-28T00:00:00Z
  --most N            print at most N entries; 1000 unless given
  --json              print each entry as one line of JSON
  --secret-file FILE  the file with the server's AUTH_SECRET
  --persist-to DIR    the directory of a server of this machine, which has its secret
  --key KEY           a key of an admin, instead of the secret

Without these three, the command uses the first that the server takes: the secret in AUTH_SECRET, that of a server which was
started on this machine without --persist-to, the key in ${KEY_VARIABLE}.`;

await runCommand(
  {
    name: "npm run audit",
    usage: USAGE,
    parse: (args) => parseOptions(args, OPTIONS),
    tellsFailures: true,
  },
  printAuditLog,
);

/** Returns the exit code. */
async function printAuditLog(settings: ValuesOf<typeof OPTIONS>): Promise<number> {
  const { url, workspace, key, json, most } = settings;
  const places = { secretFile: settings["secret-file"], persistTo: settings["persist-to"] };
  const server = await operatorServer({ url, workspace, key, ...places });
  let isRead = true;
  whenOutputCloses(() => {
    isRead = false;
  });
  const query = new URLSearchParams();
  for (const name of ["principal", "action", "id", "since"] as const) {
    const value = settings[name];
    if (value !== null) query.set(name, value);
  }
  let left = most;
  for (let cursor: string | null = ""; cursor !== null && left > 0 && isRead; ) {
    if (cursor !== "") query.set("cursor", cursor);
    const page: v.InferOutput<typeof AuditPageSchema> = await server.call(
      AuditPageSchema,
      "GET",
      `/v1/audit?${query}`,
    );
    for (const entry of page.entries.slice(0, left))
      console.log(json ? JSON.stringify(entry) : describe(entry));
    left -= page.entries.length;
    cursor = page.next_cursor;
  }
  return 0;
}

/** On one line. */
function describe({ time, action, principal, via, id, detail, address, result, count }: AuditEntry): string {
  const parts = [
    time,
    result,
    action,
    id ?? "",
    detail === null ? "" : `(${detail})`,
    `by ${principal ?? "several"}`,
    via === null ? "" : `via ${via}`,
    address === null ? "" : `from ${address}`,
    count === 1 ? "" : `${count} times`,
  ];
  return parts.filter((part) => part !== "").join("  ");
}
