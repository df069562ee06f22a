import type { SeededRandom } from "./seeded-random.ts";

const SCRIPTS =
  "Adlam Armenian Cherokee Coptic Cyrillic Deseret Georgian Glagolitic Greek Latin Medefaidrin Old_Hungarian Osage Vithkuqi Warang_Citi".split(
    " ",
  );

/** The micro sign, and scripts that are younger than this list. */
const OTHERS = "others";

/** The letters that have a case, by script: all that this runtime's Unicode knows. */
export const CASED_LETTERS: ReadonlyMap<string, readonly string[]> = casedLetters();

/** How somebody else may write the same word. */
export const SPELLINGS: Readonly<Record<string, (word: string) => string>> = {
  same: (word) => word,
  upper: (word) => word.toUpperCase(),
  lower: (word) => word.toLowerCase(),
  "upper, then lower": (word) => word.toUpperCase().toLowerCase(),
  NFD: (word) => word.normalize("NFD"),
  NFC: (word) => word.normalize("NFC"),
  "upper in NFD": (word) => word.toUpperCase().normalize("NFD"),
  "lower in NFD": (word) => word.normalize("NFD").toLowerCase(),
};

/** Two words to the index: ŉ holds an apostrophe, ŀ a middle dot. */
const HOLDS_SIGN = /[^\p{L}\p{M}]|[\u02B9-\u02BF]/u;

/** One word of one script. */
export function casedWord(random: SeededRandom): string {
  const script = random.pick([...CASED_LETTERS.keys()]);
  const letters = (CASED_LETTERS.get(script) ?? []).filter(
    (letter) => !HOLDS_SIGN.test(letter.normalize("NFKD")),
  );
  return Array.from({ length: 1 + random.below(8) }, () => random.pick(letters)).join("");
}

function casedLetters(): Map<string, string[]> {
  const byScript = new Map([...SCRIPTS, OTHERS].map((script) => [script, [] as string[]]));
  const patterns = SCRIPTS.map((script) => [script, new RegExp(`\\p{sc=${script}}`, "u")] as const);
  for (let code = 0x41; code < 0x1_f000; code++) {
    const letter = String.fromCodePoint(code);
    if (!/\p{L}/u.test(letter) || letter.toLowerCase() === letter.toUpperCase()) continue;
    const script = patterns.find(([, pattern]) => pattern.test(letter))?.[0] ?? OTHERS;
    byScript.get(script)?.push(letter);
  }
  return byScript;
}
