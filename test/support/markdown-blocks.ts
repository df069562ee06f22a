/**
 * The fenced code blocks of a markdown page, in order, and the comments that speak to the test between them.
 *
 * A fence opens with three or more backticks or tildes after any indentation (a list's, a quote's), and closes with at
 * least as many of the same. Nothing that opens a fence is passed over: what is not closed is an error.
 */
export interface Block {
  /** The first word of the info string, or of a comment. */
  readonly language: string;
  /** The words after it: `terminal=server` is `["terminal", "server"]`, `edit.mjs` is `["edit.mjs", ""]`. */
  readonly words: ReadonlyMap<string, string>;
  readonly text: string;
  /** Of the line that opens it, from 1. */
  readonly line: number;
  /** It stands in an HTML comment: readers do not see it. */
  readonly isHidden: boolean;
}

const FENCE = /^([\s>]*)(`{3,}|~{3,})[ \t]*([^`]*)$/;
/** `<!-- test: LANGUAGE WORDS`, closed on the same line or after lines of text. */
const COMMENT = /^<!-- test: (.*?)(?: (-->))?$/;

export function readBlocks(markdown: string): Block[] {
  const lines = markdown.split("\n");
  const blocks: Block[] = [];
  let at = 0;
  const take = (opening: number, info: string, isEnd: (line: string) => boolean, indent: string) => {
    const end = lines.findIndex((line, index) => index > opening && isEnd(line));
    if (end < 0) throw new Error(`line ${opening + 1}: this block is not closed`);
    const inner = lines.slice(opening + 1, end);
    const text = inner.map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line)).join("\n");
    blocks.push(describe(info, text, opening, indent === HIDDEN));
    return end + 1;
  };
  while (at < lines.length) {
    const line = lines[at] ?? "";
    const comment = COMMENT.exec(line);
    const fence = FENCE.exec(line);
    if (comment?.[2] !== undefined) {
      blocks.push(describe(comment[1] ?? "", "", at, true));
      at++;
    } else if (comment !== null) {
      at = take(at, comment[1] ?? "", (one) => one.trim() === "-->", HIDDEN);
    } else if (fence !== null) {
      const [, indent = "", mark = "", info = ""] = fence;
      const isEnd = (one: string) => {
        const inner = one.replace(/^[\s>]*/, "").trimEnd();
        return inner.length >= mark.length && inner === (mark[0] ?? "").repeat(inner.length);
      };
      at = take(at, info, isEnd, indent);
    } else {
      at++;
    }
  }
  return blocks;
}

/** No line starts with it, so nothing is cut off. */
const HIDDEN = "\0";

function describe(info: string, text: string, index: number, isHidden: boolean): Block {
  const [language = "", ...rest] = info.trim().split(/\s+/);
  const words = new Map(
    rest.map((word) => {
      const [name = "", ...value] = word.split("=");
      return [name, value.join("=")] as const;
    }),
  );
  return { language, words, text, line: index + 1, isHidden };
}
