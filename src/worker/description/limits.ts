import * as limits from "../../protocol/limits.ts";

const { EXPANSION_BUDGETS: budgets } = limits;

/** The limits that both descriptions name, from the numbers that are enforced. */
const SHARED_LIMITS: readonly string[] = [
  `content: ${inMiB(limits.MAX_CONTENT_BYTES)} of UTF-8, with LF line ends`,
  `description: ${limits.MAX_DESCRIPTION_UNITS} characters`,
  `tags: ${limits.MAX_TAGS}, of 1 to ${limits.MAX_TAG_UNITS} characters`,
  `age of a base, and of a remembered request: ${limits.REBASE_HORIZON_MS / 60_000} minutes; past kept for bases: ${inMiB(limits.MAX_PAST_BYTES)} a fragment`,
  `one expansion: ${budgets.depth} levels, ${budgets.fragments} fragments, ${budgets.inclusions} inclusions, ${budgets.values} filled variables, ${inMiB(budgets.outputBytes)} of output (beyond them the answer has a warning), ${inMiB(limits.MAX_CLOSURE_BYTES)} of texts`,
];

export const REST_LIMITS: readonly string[] = [
  `body: ${inMiB(limits.MAX_BODY_BYTES)}`,
  `\`edits\` of one PATCH: ${limits.MAX_SUBSTITUTIONS}`,
  `\`Idempotency-Key\`: 1 to ${limits.MAX_REQUEST_ID_UNITS} characters`,
  `page of a list: ${limits.DEFAULT_PAGE_SIZE} entries, at most ${limits.MAX_PAGE_SIZE}; \`query\`: ${limits.MAX_QUERY_UNITS} characters`,
  ...SHARED_LIMITS,
];

export const SOCKET_LIMITS: readonly string[] = [
  `frame: ${inMiB(limits.MAX_FRAME_BYTES)}`,
  `request id and client name: ${limits.MAX_REQUEST_ID_UNITS} and ${limits.MAX_CLIENT_NAME_UNITS} characters`,
  `changes in one \`edit\`: ${limits.MAX_CHANGES}`,
  `presence state: ${limits.MAX_PRESENCE_BYTES} bytes; a stock Yjs client that does not renew it for ${limits.PRESENCE_EXPIRY_MS / 1_000} s loses it`,
  `sessions on one fragment: ${limits.MAX_SESSIONS}`,
  `close reason: ${limits.MAX_CLOSE_REASON_BYTES} bytes`,
  ...SHARED_LIMITS,
];

/** A list in Markdown. */
export function bulletList(lines: readonly string[]): string {
  return lines.map((line) => `- ${line}`).join("\n");
}

function inMiB(bytes: number): string {
  return `${bytes / 1024 / 1024} MiB`;
}
