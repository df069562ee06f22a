import page from "../../docs/access.md?raw";

/** What the tables of docs/access.md say of each request and each caller. */

/** The callers, in the order of the columns. */
export const CALLERS = [
  "nobody",
  "viewer",
  "editor",
  "admin",
  "editor of other ids",
  "another workspace",
] as const;
export type CallerName = (typeof CALLERS)[number];

/** Done; done as if there were nothing but what the caller may know of; or the status or close code of the refusal. */
export type Outcome = "yes" | "own" | number;

export interface Row {
  /** The request, as the first column names it without its backticks. */
  readonly name: string;
  readonly outcomes: Readonly<Record<CallerName, Outcome>>;
}

/** The rows of the table under this heading. */
export function rowsOf(heading: string): readonly Row[] {
  const section = page.split(/^### /m).find((one) => one.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`docs/access.md has no table "${heading}"`);
  const [head, , ...rows] = section
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map(cellsOf);
  if (head === undefined || head.slice(1).join() !== CALLERS.join())
    throw new Error(`the table "${heading}" of docs/access.md has other callers`);
  return rows.map(([name = "", ...cells]) => {
    const outcomes = CALLERS.map((caller, at) => [caller, outcomeOf(cells[at] ?? "")]);
    return { name: name.replaceAll("`", ""), outcomes: Object.fromEntries(outcomes) as Row["outcomes"] };
  });
}

function cellsOf(line: string): string[] {
  return line
    .slice(1, -1)
    .split("|")
    .map((cell) => cell.trim());
}

function outcomeOf(cell: string): Outcome {
  if (cell === "yes" || cell === "own") return cell;
  if (/^\d{3,4}$/.test(cell)) return Number(cell);
  throw new Error(`docs/access.md: ${cell} is no outcome`);
}
