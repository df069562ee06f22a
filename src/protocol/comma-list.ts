/** The entries of a list with commas between them, such as a variable of the deployment; empty ones do not count. */
export function splitCommaList(list: string): string[] {
  return list
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
}
