import type { Context } from "hono";
import type { Access, Workspace } from "../../../protocol/access.ts";
import type { AuditResult } from "../../../protocol/audit.ts";
import { accessStub } from "../../addresses.ts";
import type { AppEnv } from "../../http/app-env.ts";
import type { AuditAct, AuditRecord, AuditSource } from "../../storage/access-audit.ts";
import type { Acting } from "../object/recorder.ts";
import { collectRepeated } from "./audit-repeats.ts";

/** Sends acts to the audit log of the caller's workspace. */

/** The one that acts, if that is not the caller: somebody who signs in, or whose credential is refused. */
export interface Actor {
  readonly workspace: Workspace;
  readonly principal: string | null;
  readonly via?: string | null;
}

/** The caller and its address, as the audit log names them. */
export function auditSource(c: Context<AppEnv>, actor?: Actor): AuditSource {
  const access = c.get("access");
  const who = actor ?? { principal: access.principal.id, via: keyBehind(access) };
  return { principal: who.principal, via: who.via ?? null, address: addressOf(c.req.raw) };
}

/** The caller, as the methods of the AccessObject take it that check it anew and record what they do. */
export function actingOf(c: Context<AppEnv>): Acting {
  return { access: c.get("access"), proof: c.get("proof"), source: auditSource(c) };
}

/**
 * Records what was done, before the answer. What is done cannot be taken back: if it cannot be recorded, even at a
 * second attempt, the answer is the same, and the record stands in the server's log.
 */
export async function audit(c: Context<AppEnv>, act: AuditAct, actor?: Actor): Promise<void> {
  const record: AuditRecord = { ...auditSource(c, actor), ...act };
  const workspace = actor?.workspace ?? c.get("access").workspace;
  const write = () => accessStub(c.env, workspace).record(record);
  try {
    await write().catch(write);
  } catch (error) {
    const lost = JSON.stringify({ workspace, ...record });
    console.error(`request ${c.get("requestId")}: the audit log lacks ${lost}`, error);
  }
}

/** Records what may come very often: within seconds, after the answer, and repetitions within a minute as one entry. */
export function auditRepeated(c: Context<AppEnv>, act: AuditAct, actor?: Actor): void {
  const workspace = actor?.workspace ?? c.get("access").workspace;
  collectRepeated(c.env, workspace, { ...auditSource(c, actor), ...act });
}

/** The same for a frame on a socket of a fragment. Its address is that of the request that opened the socket, and not kept. */
export function auditRefusedFrame(env: Env, access: Access, on: string, result: AuditResult): void {
  const source = { principal: access.principal.id, via: keyBehind(access), address: null };
  collectRepeated(env, access.workspace, { ...source, action: "refused", on, result, detail: "a frame" });
}

/** The key that a user's token was made with. */
function keyBehind({ principal, grants }: Access): string | null {
  return grants.find((grant) => grant.startsWith("key:") && grant !== principal.id) ?? null;
}

/**
 * The caller's IP address as Cloudflare says it. Elsewhere the proxy in front must set this header, and take it from
 * callers; without a proxy there is none, or what the caller claims.
 */
export function addressOf(request: Request): string | null {
  const address = request.headers.get("CF-Connecting-IP");
  return address !== null && /^[\da-fA-F:.]{2,45}$/.test(address) ? address : null;
}
