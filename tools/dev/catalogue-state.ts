import { authorization } from "../access/credential.ts";

/** Longer than a large catalogue takes to open after an upgrade. */
const TIMEOUT_MS = 10_000;

/**
 * Asks a server that has just come up whether its catalogue knows all fragments. This also opens the catalogue, so that
 * no client has to wait for that.
 *
 * @param credential of an admin, whose workspace is meant
 * @returns what to tell the operator; null if there is nothing to tell, or no answer
 */
export async function catalogueWarning(url: string, credential: string): Promise<string | null> {
  try {
    const answer = await fetch(`${url}/v1/catalogue/rebuild`, {
      headers: authorization(credential),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const status = (await answer.json()) as { complete?: unknown };
    if (status.complete !== false) return null;
  } catch {
    return null; // other messages say whether the server works
  }
  return "Warning: the catalogue may not know all fragments. They can be read, but a request for an unknown id makes a file for it until the catalogue is rebuilt (docs/operations.md, What the catalogue does not know).";
}
