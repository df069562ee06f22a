import type { Principal } from "../../protocol/access.ts";

/**
 * A presence state that shows the verified name and colour of its principal, whatever its client wrote. A field stays as
 * it is if the principal has none of its own. Stock editors read `user`; some read `name` and `color` beside it.
 *
 * The entry keeps its clock: the client that made it takes the rewritten state, which comes back to it, for the one that
 * it has (y-protocols 1.0.7), and goes on counting from there.
 *
 * @param state JSON of an object
 */
export function withVerifiedName(state: string, { name, color }: Principal): string {
  if (name === null && color === null) return state;
  const verified = { ...(name === null ? {} : { name }), ...(color === null ? {} : { color }) };
  const shown = JSON.parse(state) as Record<string, unknown>; // an `isJsonObject`
  const { user } = shown;
  const isObject = typeof user === "object" && user !== null && !Array.isArray(user);
  const beside = Object.fromEntries(
    Object.entries(verified).filter(([field]) => Object.hasOwn(shown, field)),
  );
  return JSON.stringify({ ...shown, ...beside, user: { ...(isObject ? user : {}), ...verified } });
}
