/**
 * Asks a server that has just come up whether its catalogue knows all fragments. The server makes the catalogue for that, so
 * no client has to wait for it.
 *
 * @returns what to tell the operator; null if there is nothing to tell, or no answer
 */
export async function catalogueWarning(url: string): Promise<string | null> {
  try {
    const answer = await fetch(`${url}/v1/catalogue/rebuild`);
    const status = (await answer.json()) as { complete?: unknown };
    if (status.complete !== false) return null;
  } catch {
    return null; // whether the server works is told by others
  }
  return "Warning: the catalogue may not know all fragments. They can be read, but a request for an unknown id makes a file for it until the catalogue is rebuilt (docs/operations.md, What the catalogue does not know).";
}
