/** Words in the real index: each is found in all its spellings, and the highlights are the matches of the index. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { rangesIn } from "../../src/core/catalogue/excerpt.ts";
import { FoldedText } from "../../src/core/catalogue/folded-text.ts";
import { parseTerms, toFtsQuery } from "../../src/core/catalogue/search-terms.ts";
import type { Workspace } from "../../src/protocol/access.ts";
import type { TextRange } from "../../src/protocol/catalogue.ts";
import { catalogueStub } from "../../src/worker/addresses.ts";
import { CASED_LETTERS, casedWord, SPELLINGS } from "../support/cased-words.ts";
import { forEachSeed } from "../support/for-each-seed.ts";
import { SeededRandom } from "../support/seeded-random.ts";

const WORDS = [
  ..."a ab abc ä äb Å ñu straße STRASSE ſo so ΒΑΣ βασ βας ά й и́ и 한 하 한글 İ ı i ǡ ẛ ṡ 12 1 x\u0301 x q\u0345 🤖 🚀 ©".split(
    " ",
  ),
  ..."漢 字 漢字 漢漢 科学 が か ガ ｶﾞ カ データ ไทย ที่ ខ្មែរ မြန်မာ 𠮷 助手 हिन्दी نص مُحَمَّد שָׁלוֹם ﬁ 𞤆𞤓𞤂 ᲗᲑ ŀ ᾳ".split(
    " ",
  ),
];
const BETWEEN = ["", " ", " ", ", ", "。", "-", "\n", "\u0301", "\u001F", "\u00AD", "…"];

test("[CAT-6] the same counts as found as in the index, in random texts", async () => {
  await withIndex((index) =>
    forEachSeed(3_000, [], (seed) => {
      const random = new SeededRandom(seed);
      const text = made(random, 1 + random.below(30));
      const query = made(random, 1 + random.below(3));
      const terms = parseTerms(query);
      if (terms.length === 0) return;
      const found = index.find(text, toFtsQuery(terms));
      // A list has only what has every term.
      if (found !== null)
        expect({ text, query, found: rangesIn(text, terms) }).toEqual({ text, query, found });
    }),
  );
});

test("[CAT-5] a word of any cased script is found in the index in each of its spellings, at its place", async () => {
  await withIndex((index) =>
    forEachSeed(2_000, [], (seed) => {
      const random = new SeededRandom(seed);
      const word = casedWord(random);
      const [written, wanted] = [random.pick(Object.keys(SPELLINGS)), random.pick(Object.keys(SPELLINGS))];
      const spelled = SPELLINGS[written]?.(word) ?? "";
      const query = SPELLINGS[wanted]?.(word) ?? "";
      const text = `Grüße, ${spelled}!`;
      const found = index.find(text, toFtsQuery(parseTerms(query)));
      expect({ written, wanted, text, query, found }).toMatchObject({
        found: [{ from: 7, to: 7 + spelled.length }],
      });
    }),
  );
});

test("[CAT-5] a letter finds itself in either case and no other letter, in the index", async () => {
  await withIndex((index) => {
    for (const letters of CASED_LETTERS.values())
      for (const [at, letter] of letters.entries()) {
        if (letter === "ŉ") continue; // two words
        const other = letters[(at + 7) % letters.length] ?? "";
        const query = toFtsQuery(parseTerms(letter.toUpperCase()));
        const text = `${letter.toLowerCase()} ${other}`;
        const ranges = rangesIn(text, parseTerms(letter.toUpperCase()));
        expect([letter, index.find(text, query)]).toEqual([letter, ranges]);
      }
  });
});

interface Index {
  /** Where the query stands in the text; null where the index does not find it. */
  find(text: string, query: string): TextRange[] | null;
}

/** An index with the tokenizer of the catalogue's that keeps its text: FTS5's `highlight` says what it finds. */
function withIndex(check: (index: Index) => void): Promise<void> {
  const stub = catalogueStub(env, crypto.randomUUID() as Workspace);
  return runInDurableObject(stub, (_, { storage }) =>
    storage.transactionSync(() => {
      const { sql } = storage;
      const { sql: made } = sql.exec("SELECT sql FROM sqlite_master WHERE name = 'words'").one();
      const tokenizer = /tokenize = '[^']*'/.exec(String(made))?.[0];
      sql.exec(`CREATE VIRTUAL TABLE kept USING fts5 (content, ${tokenizer})`);
      const highlight =
        "SELECT highlight(kept, 0, char(0xFDD0), char(0xFDD1)) AS marked FROM kept WHERE kept MATCH ?";
      check({
        find(text, query) {
          const folded = new FoldedText(text);
          sql.exec("DELETE FROM kept");
          sql.exec("INSERT INTO kept (rowid, content) VALUES (1, ?)", folded.folded);
          const [row] = sql.exec(highlight, query).toArray();
          if (row === undefined) return null;
          return merged(readMarked(String(row["marked"])).map((range) => folded.rangeOf(range)));
        },
      });
    }),
  );
}

/** The ranges between the two marks, which no folded text holds. */
function readMarked(marked: string): TextRange[] {
  const ranges: TextRange[] = [];
  let length = 0;
  for (const part of marked.split(/([\uFDD0\uFDD1])/)) {
    const last = ranges.at(-1);
    if (part === "\uFDD0") ranges.push({ from: length, to: length });
    else if (part === "\uFDD1" && last !== undefined) ranges.splice(-1, 1, { ...last, to: length });
    else length += part.length;
  }
  return ranges;
}

/** Two that share a letter are one: a letter may fold to two words. */
function merged(ranges: readonly TextRange[]): TextRange[] {
  const apart: TextRange[] = [];
  for (const range of ranges) {
    const last = apart.at(-1);
    if (last !== undefined && range.from < last.to) apart.splice(-1, 1, { from: last.from, to: range.to });
    else apart.push(range);
  }
  return apart;
}

function made(random: SeededRandom, words: number): string {
  let text = "";
  for (let n = 0; n < words; n++) text += random.pick(WORDS) + random.pick(BETWEEN);
  return random.chance(0.3) ? text.normalize("NFD") : text;
}
