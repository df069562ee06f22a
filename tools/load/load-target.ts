import type { Dialect } from "./dialect.ts";
import type { Fragments } from "./fragments.ts";

/** The server under load. */
export interface LoadTarget {
  /** `http://host:port`, without a slash at the end. */
  readonly origin: string;
  /** Of the requests that open sockets, such as those that show a key. Absent: none. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly dialect: Dialect;
  /** Null for a server without REST: the first client then makes the document, and nobody reads it at the end. */
  readonly fragments: Fragments | null;
}
