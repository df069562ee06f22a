import type { ExpandRequest } from "../../core/room/json-protocol.ts";
import { send } from "../../core/room/json-sessions.ts";
import type { Room } from "../../core/room/room.ts";
import { refusal } from "../../protocol/errors.ts";
import type { Expander } from "../expander.ts";

export interface Expanding {
  readonly room: Room;
  readonly id: string;
  /** Resolves when everything that came in is committed. */
  settled(): Promise<void>;
  report(problem: string, error: unknown): void;
}

/** Answers a socket's `expand` from a stateless expander, outside of the room's turn. */
export async function answerExpand(
  { room, id, settled, report }: Expanding,
  { session, content: unsaved, requestId: request_id }: ExpandRequest,
  expander: Pick<Expander, "expand">,
): Promise<void> {
  try {
    if (unsaved === null) await settled();
    const content = unsaved ?? room.fragment.committed.content;
    const answer = await expander.expand(content, id);
    if (!answer.ok) {
      room.json.refuse(session, answer.refusal, request_id, null);
      return;
    }
    const { expanded, dependencies, warnings } = answer.value.expansion;
    send(session, { action: "expanded", content, expanded, dependencies, warnings, request_id });
  } catch (error) {
    report("an expansion failed", error);
    const failure = refusal("unavailable", "The expansion failed; try again.");
    room.json.refuse(session, failure, request_id, null);
  }
}
