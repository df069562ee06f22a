/** Vitest's global setup of the end-to-end tests: one production bundle for all of them, where `startServer` looks for it. */
import { buildBundle } from "../../tools/dev/server-process.ts";

export default async function setup(): Promise<void> {
  await buildBundle();
}
