import type { Scene } from "./scene.ts";

/** One behaviour of the server. */
export interface Check {
  /** A sentence: subject does what, when. */
  readonly name: string;
  /** Throws when the server behaves otherwise. */
  readonly run: (scene: Scene) => Promise<void>;
}

/** Checks that belong together, under the name that `--only` takes. */
export interface Group {
  readonly name: string;
  readonly checks: readonly Check[];
}

/** A group of checks, each under its sentence. */
export function group(name: string, checks: Readonly<Record<string, Check["run"]>>): Group {
  return { name, checks: Object.entries(checks).map(([sentence, run]) => ({ name: sentence, run })) };
}

/** The result of one check. */
export interface CheckResult {
  readonly group: string;
  readonly name: string;
  readonly ok: boolean;
  /** Whole milliseconds, without the clean-up. */
  readonly ms: number;
  /** The expectation and the result, in words; null for a check that passed. */
  readonly error: string | null;
}
