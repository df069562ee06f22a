import type { Group } from "./check.ts";
import { access } from "./groups/access.ts";
import { catalogue } from "./groups/catalogue.ts";
import { concurrency } from "./groups/concurrency.ts";
import { connection } from "./groups/connection.ts";
import { content } from "./groups/content.ts";
import { errors } from "./groups/errors.ts";
import { events } from "./groups/events.ts";
import { expansion } from "./groups/expansion.ts";
import { metadata } from "./groups/metadata.ts";
import { mixed } from "./groups/mixed.ts";
import { oldAddresses } from "./groups/old-addresses.ts";
import { presence } from "./groups/presence.ts";
import { rest } from "./groups/rest.ts";
import { yjs } from "./groups/yjs.ts";

/** All groups, in the order of the run: basic behaviour first. */
export const GROUPS: readonly Group[] = [
  rest,
  connection,
  content,
  metadata,
  expansion,
  concurrency,
  presence,
  errors,
  yjs,
  mixed,
  catalogue,
  events,
  oldAddresses,
  access,
];
