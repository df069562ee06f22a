import { vi } from "vitest";
import { HANG_LIMIT_MS } from "../support/hang-limit.ts";

/** Retries a check until it passes: for news that takes a moment to arrive where no event tells of it. */
export function eventually(check: () => void | Promise<void>): Promise<void> {
  return vi.waitFor(check, { timeout: HANG_LIMIT_MS, interval: 50 });
}
