/**
 * Which letters are the same to a reader who searches: the one place where texts and queries lose their case, their
 * accents and their variants (CAT-5). What is folded here must be folded in the stored index too: a change needs a
 * migration that indexes anew.
 *
 * - Case: through capitals and back, so that ß is ss, ς is σ, and ı, İ, I and i are one letter.
 * - Compatibility forms (ligatures, full and half width, presentation forms): Unicode's NFKC.
 * - Marks go where readers leave them out: in Latin, Greek, Hebrew, Arabic, Syriac; stress marks and nukta too. They stay
 *   where they spell the word: Indic vowels, Thai tones, Japanese voicing.
 * - Digits of any script: those of ASCII.
 * - Cyrillic: only ё, ѐ and ѝ lose their marks. й, ї, ў, ќ and the like are letters of their own.
 */

/** Letters that count as other letters. All others follow the rules below. In lower case. */
const SAME_LETTERS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    // Latin letters whose stroke or ligature Unicode does not take apart
    ...{ đ: "d", ð: "d", ħ: "h", ł: "l", ø: "o", ŧ: "t", æ: "ae", œ: "oe", þ: "th" },
    ...{ ё: "е", ѐ: "е", ѝ: "и" },
    // Yiddish digraphs
    ...{ װ: "וו", ױ: "וי", ײ: "יי" },
    // Alef wasla, alef maksura and teh marbuta; the letters of Persian and Urdu keyboards for yeh, kaf and heh
    ...{ ٱ: "ا", ى: "ي", ة: "ه", ی: "ي", ک: "ك", ۀ: "ه", ہ: "ه", ۂ: "ه" },
    // Letters of Malayalam and Bengali that older texts write with a joiner
    ...{ ൺ: "ണ്", ൻ: "ന്", ർ: "ര്", ൽ: "ല്", ൾ: "ള്", ൿ: "ക്", ৎ: "ত্" },
    // Letters that are written for an apostrophe; half rings of transliterations
    ...{ "\u02B9": " ", "\u02BA": " ", "\u02BB": " ", "\u02BC": " ", "\u02BD": " " },
    ...{ "\u02BE": "", "\u02BF": "" },
  }),
);

/**
 * Marks that do not count. The iota below a Greek letter stays, since capitals write it as a letter; so do marks of
 * kana.
 */
const DROPPED_MARKS =
  /[[[\p{M}&&[\p{sc=Inherited}\p{sc=Common}\p{sc=Latin}\p{sc=Greek}\p{sc=Coptic}\p{sc=Cyrillic}\p{sc=Hebrew}\p{sc=Arabic}\p{sc=Syriac}]]--[\u0345\u3099\u309A]]\u093C\u180B-\u180D\u180F]/gv;
/** Invisible characters, and the Arabic tatweel, which only stretches a word. */
const IGNORED = /[[\p{Cf}\u0640]--[\u200B\u200C]]/gv;
/** Thai and Lao write the two parts of one vowel before or after a tone mark, which looks the same. */
const VOWEL_BEFORE_TONE = /([\u0E4D\u0ECD])([\u0E48-\u0E4B\u0EC8-\u0ECB])/gu;
const DIGIT = /\p{Nd}/u;
/** In Indic scripts a non-joiner after a mark is a matter of shape; elsewhere it stands between parts of a word. */
const SHAPING_NON_JOINER = /(?<=\p{M})\u200C/gu;
/** Scripts whose letters are taken apart, so that their marks can go. */
const TAKEN_APART =
  /[\p{sc=Latin}\p{sc=Greek}\p{sc=Coptic}\p{sc=Hebrew}\p{sc=Arabic}\p{sc=Syriac}\p{sc=Devanagari}]/u;

const WORD_CHARACTER = /[\p{L}\p{M}\p{N}\p{Co}]/u;

/** Characters of scripts that write no spaces, with the marks and sounds that they share, but not with Latin. */
export const UNSPACED =
  /[[[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}]&&[\p{L}\p{M}\p{N}]]--\p{scx=Latin}]/v;

/** More than any letter needs. Ordering n marks takes n² steps. */
const MAX_MARKS = 30;

/**
 * One character with what belongs to it: marks, half-width voicing marks, and the rest of a Korean syllable. Sticky: set
 * `lastIndex`.
 */
export const LETTER = new RegExp(
  String.raw`[\s\S](?:[\p{M}\uFF9E\uFF9F\u200D\u1160-\u11FF\uD7B0-\uD7FF]|(?<=\p{M})\u200C){0,${MAX_MARKS}}`,
  "uy",
);

/**
 * Folds one `LETTER`.
 *
 * @returns what the index takes: letters, a space for anything that stands between words, and spaces around each
 *   character of a script that writes none. ASCII signs stay as they are
 */
export function foldLetter(letter: string): string {
  let folded = letter
    .replaceAll(SHAPING_NON_JOINER, "")
    .replaceAll(IGNORED, "")
    .replaceAll(VOWEL_BEFORE_TONE, "$2$1");
  // NFKC would make letters of signs such as ™.
  if (WORD_CHARACTER.test(folded)) folded = foldForms(folded);
  let divided = "";
  for (const character of folded) {
    if (UNSPACED.test(character)) divided += ` ${character} `;
    else if (character < "\u0080" ? character >= " " : WORD_CHARACTER.test(character)) divided += character;
    else divided += " ";
  }
  return divided;
}

/** Until nothing changes: some letters fold in two steps (`ẛ` to `ſ`, `ŉ` to an apostrophe and `n`). */
function foldForms(letter: string): string {
  let folded = letter;
  for (;;) {
    const next = Array.from(folded.normalize("NFKC"), foldForm).join("");
    if (next === folded) return folded;
    folded = next;
  }
}

function foldForm(character: string): string {
  if (DIGIT.test(character)) return String(digitOf(character));
  const lower = character.toLowerCase().toUpperCase().toLowerCase();
  return Array.from(lower, (one) => {
    const same = SAME_LETTERS.get(one);
    if (same !== undefined) return same;
    const parts = TAKEN_APART.test(one) ? one.normalize("NFD") : one;
    return parts.replaceAll(DROPPED_MARKS, "").replaceAll(IGNORED, "");
  }).join("");
}

/** Unicode has the ten digits of a script one after the other, and those of some scripts side by side. */
function digitOf(digit: string): number {
  const code = digit.codePointAt(0) ?? 0;
  let value = 0;
  while (DIGIT.test(String.fromCodePoint(code - value - 1))) value++;
  return value % 10;
}
