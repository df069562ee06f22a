/** What excerpts and ranges call found, against what the index does: FTS5's own `highlight` is the oracle. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { rangesIn } from "../../src/core/catalogue/excerpt.ts";
import { parseTerms, termPattern, toFtsQuery } from "../../src/core/catalogue/search-terms.ts";
import { MARK_CLOSE, MARK_OPEN, readMarked, toSearchText } from "../../src/core/catalogue/search-text.ts";
import type { Workspace } from "../../src/worker/addresses.ts";
import { catalogueStub } from "../../src/worker/addresses.ts";
import { forEachSeed } from "../support/for-each-seed.ts";
import { SeededRandom } from "../support/seeded-random.ts";

const WORDS = [
  ..."a ab abc ä äb Å ñu straße STRASSE ſo so ΒΑΣ βασ βας ά й и́ и 한 하 한글 İ ı i ǡ ẛ ṡ 12 1 x\u0301 x q\u0345 🤖 🚀 ©".split(
    " ",
  ),
  ..."漢 字 漢字 漢漢 科学 が か ガ ｶﾞ カ データ ไทย ที่ ខ្មែរ မြန်မာ 𠮷 助手 हिन्दी نص".split(" "),
];
const BETWEEN = ["", " ", " ", ", ", "。", "-", "\n", "\u0301", "\u001F", "…"];

test("[CAT-6] the same counts as found as in the index, in random texts", async () => {
  await withIndex((sql) =>
    forEachSeed(3_000, [], (seed) => {
      const random = new SeededRandom(seed);
      const text = made(random, 1 + random.below(30));
      const query = made(random, 1 + random.below(3));
      const terms = parseTerms(query);
      if (terms.length === 0) return;
      const marked = markedByIndex(sql, text, toFtsQuery(terms));
      const found = rangesIn(text.normalize("NFC"), terms.map(termPattern));
      // A list has only what has every term.
      if (marked === null) return;
      const inIndex = readMarked(marked);
      const ranges = inIndex.ranges.map(({ from, to }) => ({ from: from + marksAt(inIndex.text, from), to }));
      expect({ text, query, found }).toEqual({ text, query, found: ranges });
    }),
  );
});

test("[CAT-6] each letter is found by its own spellings and no other, as in the index", async () => {
  await withIndex((sql) => {
    const letters = [...lettersOf(0x80, 0x600), ...lettersOf(0x1e00, 0x2000)];
    for (const letter of letters)
      for (const query of new Set([letter, baseOf(letter), letter.toLowerCase(), letter.toUpperCase()])) {
        const terms = parseTerms(query);
        if (terms.length !== 1) continue;
        const isFound = markedByIndex(sql, letter, toFtsQuery(terms)) !== null;
        const ranges = rangesIn(letter.normalize("NFC"), terms.map(termPattern));
        const shouldBe = isFound || isYounger(letter) || isYounger(query);
        expect([letter, query, ranges.length > 0]).toEqual([letter, query, shouldBe]);
      }
  });
});

function withIndex(check: (sql: SqlStorage) => void): Promise<void> {
  const stub = catalogueStub(env, "an index of its own" as Workspace);
  return runInDurableObject(stub, (_, { storage }) => storage.transactionSync(() => check(storage.sql)));
}

/** Null where the index does not find the query in it. */
function markedByIndex(sql: SqlStorage, text: string, query: string): string | null {
  sql.exec("DELETE FROM words");
  sql.exec("INSERT INTO words (rowid, content) VALUES (1, ?)", toSearchText(text));
  const [row] = sql
    .exec(
      `SELECT highlight(words, 3, '${MARK_OPEN}', '${MARK_CLOSE}') AS marked FROM words WHERE words MATCH ?`,
      query,
    )
    .toArray();
  return row === undefined ? null : String(row["marked"]);
}

/** Marks before the first letter, which the index counts to the word. */
function marksAt(text: string, at: number): number {
  return /^\p{M}*/u.exec(text.slice(at))?.[0].length ?? 0;
}

function made(random: SeededRandom, words: number): string {
  let text = "";
  for (let n = 0; n < words; n++) text += random.pick(WORDS) + random.pick(BETWEEN);
  return random.chance(0.3) ? text.normalize("NFD") : text;
}

function lettersOf(first: number, behind: number): string[] {
  const letters: string[] = [];
  for (let code = first; code < behind; code++) {
    const letter = String.fromCodePoint(code);
    if (/\p{L}/u.test(letter)) letters.push(letter);
  }
  return letters;
}

/** Whether it got its other case after the tokenizer was made: in JavaScript, which knows that, both are one letter. */
function isYounger(letter: string): boolean {
  return /[\u037F\u03F3\u0528-\u052F\uA7AA-\uA7FF]/u.test(letter);
}

function baseOf(letter: string): string {
  return letter.normalize("NFD").charAt(0);
}
