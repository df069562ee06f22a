/**
 * Which texts of the past a page may still show that names no base and has lost its connection. `shown`: somebody's page
 * may show it. `perhaps`: nothing is known of the time.
 */
export interface ShownBefore {
  /** The page is known to have been told this revision, or it is the current one: only older ones are asked for. */
  readonly before: number;
  of(revision: number): "shown" | "perhaps" | "no";
}
