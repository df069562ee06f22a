import type { Room } from "../../core/room/room.ts";
import type { Fragment } from "../../protocol/fragment.ts";
import { timestamp } from "../../protocol/timestamp.ts";

/** The committed revision as REST shows it. */
export function fragmentOf(room: Room): Fragment {
  const { id, content, size, metadata, revision, timeMs } = room.committed;
  return {
    id,
    content,
    ...metadata,
    eol: room.text.committedMetadata.eol,
    created_at: timestamp(room.createdAtMs),
    updated_at: timestamp(timeMs),
    version: revision,
    size,
  };
}
