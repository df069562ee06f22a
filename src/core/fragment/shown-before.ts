/**
 * The past texts that a page may still show after it lost its connection, if it names no base. `shown`: a page may show
 * that text. `perhaps`: nothing is known about that time.
 */
export interface ShownBefore {
  /** The revision that the page was told, or the current one. Only older revisions are asked for. */
  readonly before: number;
  of(revision: number): "shown" | "perhaps" | "no";
}
