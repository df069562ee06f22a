import type { ExpandRequest } from "../../core/room/json-protocol.ts";
import { send } from "../../core/room/json-sessions.ts";
import type { Room } from "../../core/room/room.ts";
import type { ExpansionAnswer } from "../expander.ts";

/** Answers a socket's `expand` from a stateless expander, outside of the room's turn. Throws when it cannot. */
export async function answerExpand(
  room: Room,
  id: string,
  { session, content: unsaved, requestId: request_id }: ExpandRequest,
  expander: { expand(content: string, root: string | null): Promise<ExpansionAnswer> },
): Promise<void> {
  const content = unsaved ?? room.committed.content;
  const answer = await expander.expand(content, id);
  if (answer.kind === "refused") {
    room.json.refuse(session, answer.refusal, request_id, null);
    return;
  }
  const { expanded, dependencies, warnings } = answer.expansion;
  send(session, { action: "expanded", content, expanded, dependencies, warnings, request_id });
}
