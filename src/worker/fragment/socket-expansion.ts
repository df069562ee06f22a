import type { ExpandRequest } from "../../core/room/effects.ts";
import type { Room } from "../../core/room/room.ts";
import { done, refusal, refused } from "../../protocol/errors.ts";
import type { Expander } from "../expander.ts";

export interface Expanding {
  readonly room: Room;
  readonly expander: Pick<Expander, "expand">;
  /** Resolves when everything that came in is durable. */
  whenDurable(): Promise<void>;
  report(problem: string, error: unknown): void;
}

/** Answers a socket's `expand` from a stateless expander, outside of the room's turn. */
export async function answerExpand(ports: Expanding, request: ExpandRequest): Promise<void> {
  const { room, expander, whenDurable, report } = ports;
  try {
    const { access } = request.session.record;
    if (request.content === null) await whenDurable();
    const { committed } = room;
    const source =
      request.content === null
        ? { content: committed.content, id: room.id, version: committed.revision }
        : { content: request.content, id: room.id, version: null };
    const answer = await expander.expand(access, source, request.options);
    room.answerExpand(request, source.content, answer.ok ? done(answer.value.expansion) : answer);
  } catch (error) {
    report("an expansion failed", error);
    const failure = refusal("unavailable", "The expansion failed; try again.");
    room.answerExpand(request, request.content ?? "", refused(failure));
  }
}
