import { waitUntil } from "cloudflare:workers";
import type { Workspace } from "../../../protocol/access.ts";
import { AUDIT_PAUSE_MS } from "../../../protocol/limits.ts";
import { accessStub } from "../../addresses.ts";
import { type AuditRecord, asOther, keyOf, type RepeatedRecord } from "../../storage/access-audit.ts";

/** Distinct records of one workspace that are held at a time. All others are counted in one. */
const MAX_HELD = 1_000;

/**
 * What this isolate has yet to send to the audit logs, by workspace. So a flood of refusals costs the AccessObject one
 * call a second. What an isolate holds when it ends is lost: a second of refusals.
 */
const held = new Map<Workspace, Map<string, RepeatedRecord>>();

/** Adds one to those that go to the workspace's audit log together, a second later. */
export function collectRepeated(env: Env, workspace: Workspace, record: AuditRecord): void {
  let records = held.get(workspace);
  if (records === undefined) {
    records = new Map();
    held.set(workspace, records);
    waitUntil(sendLater(env, workspace));
  }
  const isFull = records.size >= MAX_HELD && !records.has(keyOf(record));
  const kept = isFull ? asOther(record) : record;
  const key = keyOf(kept);
  const known = records.get(key) ?? { ...kept, timeMs: Date.now(), count: 0 };
  records.set(key, { ...known, count: known.count + 1 });
}

async function sendLater(env: Env, workspace: Workspace): Promise<void> {
  await scheduler.wait(AUDIT_PAUSE_MS);
  const records = [...(held.get(workspace)?.values() ?? [])];
  held.delete(workspace);
  try {
    await accessStub(env, workspace).recordRepeated(records);
  } catch (error) {
    console.error(`workspace ${workspace}: the audit log lacks ${records.length} entries of refusals`, error);
  }
}
