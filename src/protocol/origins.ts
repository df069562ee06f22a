/**
 * The origins in a list with commas between them, as browsers write them in the `Origin` header: in lower case and
 * without a slash at the end.
 */
export function parseOrigins(list: string): readonly string[] {
  const origins = list.split(",").map((one) => one.trim().toLowerCase().replace(/\/$/, ""));
  return origins.filter((one) => one !== "");
}
