/**
 * Those of the ids that name a fragment, or one whose creation is noted, in one statement. `noting` are creations whose
 * note waits for its turn.
 */
export function knownIds(sql: SqlStorage, ids: readonly string[], noting: ReadonlySet<string>): string[] {
  const query = `SELECT value FROM json_each(?1)
    WHERE value IN (SELECT id FROM fragment WHERE id = value AND is_deleted = 0)
      OR value IN (SELECT id FROM awaited WHERE id = value)
      OR value IN (SELECT noting.value FROM json_each(?2) AS noting)`;
  const rows = sql.exec(query, JSON.stringify(ids), JSON.stringify([...noting])).raw();
  return Array.from(rows, ([id]) => String(id));
}
