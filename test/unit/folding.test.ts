import { describe, expect, test } from "vitest";
import { rangesIn } from "../../src/core/catalogue/excerpt.ts";
import { FoldedText, fold } from "../../src/core/catalogue/folded-text.ts";
import { parseTerms } from "../../src/core/catalogue/search-terms.ts";
import { CASED_LETTERS, casedWord, SPELLINGS } from "../support/cased-words.ts";
import { forEachSeed } from "../support/for-each-seed.ts";
import { SeededRandom } from "../support/seeded-random.ts";

const wordsOf = (text: string) => fold(text).match(/[a-z0-9\u0080-\uFFFF]+/g) ?? [];

describe("what is the same to a reader who searches", () => {
  test.each([
    ["Greek", "ΚΑΛΗΜΕΡΑ", "καλημέρα"],
    ["Greek final sigma", "ΟΔΟΣ", "οδός"],
    ["ancient Greek", "ἈΓΟΡᾼ", "ἀγορᾷ"],
    ["Georgian", "ᲗᲑᲘᲚᲘᲡᲘ", "თბილისი"],
    ["old Georgian", "ႠႡ", "ⴀⴁ"],
    ["Cherokee", "ᏣᎳᎩ", "ꮳꮃꭹ"],
    ["Adlam", "𞤆𞤓𞤂", "𞤨𞤵𞤤"],
    ["German", "STRASSE", "Straße"],
    ["German capitals", "STRAẞE", "straße"],
    ["Turkish", "ISPARTA İzmir", "ısparta izmir"],
    ["Russian", "ЁЛКА", "елка"],
    ["Russian stress", "за́мок", "замок"],
    ["Vietnamese", "Đường Nguyễn", "duong NGUYEN"],
    ["Polish", "ŁÓDŹ", "lodz"],
    ["Danish and French", "Ærø cœur", "aero COEUR"],
    ["Icelandic", "Þórður", "thordur"],
    ["Armenian", "ԵՒ", "և"],
    ["ligatures", "ﬁne ﬂow", "FINE FLOW"],
    ["full width", "Ｆｕｌｌ１２", "full12"],
    ["half-width kana", "ｶﾞｲﾄﾞ", "ガイド"],
    ["Hebrew points", "שָׁלוֹם", "שלום"],
    ["Hebrew presentation forms", "שׁלום", "שלום"],
    ["Yiddish digraphs", "ייִדיש", "ײִדיש"],
    ["Arabic harakat", "مُحَمَّدٌ", "محمد"],
    ["Arabic tatweel", "محـــمد", "محمد"],
    ["Arabic hamza forms", "أحمد إلى آخر ٱلله مؤمن رئيس", "احمد الي اخر الله مومن رييس"],
    ["Arabic presentation forms", "ﻣﺤﻤﺪ", "محمد"],
    ["Arabic vowel marks on a tatweel, as one form", "ﻣ\uFE77ﺤﻤﺪ", "محمد"],
    ["a Persian keyboard", "کتابی", "كتابي"],
    ["Korean", "한국어".normalize("NFD"), "한국어"],
    ["Hindi nukta", "ज़रूर लड़का", "जरूर लडका"],
    ["Hindi with a non-joiner", "शक्\u200cति", "शक्ति"],
    ["soft hyphens", "Donau\u00ADdampf", "donaudampf"],
    ["apostrophes", "сім’я donʼt", "сім'я don't"],
    ["Catalan", "coŀlecció", "col·leccio"],
    ["Thai vowels and tones in either order", "นํ้า", "น้ำ"],
    ["Malayalam", "അവൻ", "അവന്\u200D"],
    ["Arabic and Persian digits", "١٢٣ ۴۵", "123 45"],
    ["Thai and Hindi digits", "๑๒๓ १२", "123 12"],
    ["signs as letters", "𝐇ello Ⅷ x²", "hello viii x2"],
  ])("[CAT-5] %s: %s and %s", (_, one, other) => {
    expect(wordsOf(one).join(" ")).toBe(wordsOf(other).join(" "));
  });

  test.each([
    ["Russian", "й", "и"],
    ["Ukrainian", "їжак", "іжак"],
    ["Belarusian", "ў", "у"],
    ["Macedonian", "ќ", "к"],
    ["Japanese voicing", "が", "か"],
    ["Japanese nasals, which do not compose", "か\u309A", "か"],
    ["Hindi vowels", "कुल", "कल"],
    ["Bengali", "ড়", "ড"],
    ["Tamil", "கி", "க"],
    ["Thai tones", "ม้า", "มา"],
    ["Thai vowels", "กิน", "กน"],
    ["Korean syllables", "한", "하"],
    ["Dhivehi vowels", "ދި", "ދ"],
    ["Hebrew letters", "ש", "ס"],
  ])("[CAT-5] %s: %s and %s are two words", (_, one, other) => {
    expect(wordsOf(one)).not.toEqual(wordsOf(other));
    expect(wordsOf(one.normalize("NFD"))).toEqual(wordsOf(one.normalize("NFC")));
  });

  test("[CAT-5] every letter with a case is the same in both, in NFD and in NFC", () => {
    const wrong = [...CASED_LETTERS.values()].flat().filter((letter) => {
      const folded = Object.values(SPELLINGS).map((spell) => fold(spell(letter)));
      return new Set(folded).size !== 1 || fold(folded[0] ?? "") !== folded[0];
    });
    expect(wrong).toEqual([]);
    expect([...CASED_LETTERS.values()].flat().length).toBeGreaterThan(2_500);
  });

  test("[CAT-5] every digit of every script is a digit of ASCII, in their order", () => {
    const digits: string[] = [];
    for (let code = 0; code < 0x2_0000; code++)
      if (/\p{Nd}/u.test(String.fromCodePoint(code))) digits.push(String.fromCodePoint(code));
    expect(digits.length).toBeGreaterThan(600);
    expect(digits.map((digit) => fold(digit)).join("")).toBe("0123456789".repeat(digits.length / 10));
  });

  test("[CAT-5] every character is the same in NFD and in NFC", () => {
    // The vowels of Kirat Rai compose with each other. Contents and queries come in NFC.
    const kiratRai = /[\u{16D40}-\u{16D7F}]/u;
    const wrong: string[] = [];
    for (let code = 0x80; code < 0x3_0000; code++) {
      const character = String.fromCodePoint(code);
      if (!character.isWellFormed() || kiratRai.test(character)) continue;
      const spelled = [character.normalize("NFD"), character.normalize("NFC")];
      const isSame = (other: string) =>
        other === character || wordsOf(other).join() === wordsOf(character).join();
      if (!spelled.every(isSame)) wrong.push(`${code.toString(16)} ${character}`);
    }
    expect(wrong).toEqual([]);
  });

  test("[CAT-5] a word is found in each of its spellings, and shown where it stands, in random texts of all cased scripts", () => {
    forEachSeed(4_000, [424_244_372, 424_245_236, 777_000_570], (seed) => {
      const random = new SeededRandom(seed);
      const word = casedWord(random);
      const names = Object.keys(SPELLINGS);
      const [written, wanted] = [random.pick(names), random.pick(names)];
      const spelled = SPELLINGS[written]?.(word) ?? "";
      const query = SPELLINGS[wanted]?.(word) ?? "";
      const before = random.pick(["", "Grüße, ", "科学", "ﬁ ", "😀 ", "e\u0301 ", "ｶﾞ ", "\u00AD "]);
      const text = `${before}${spelled}${random.pick(["", "!", " ß", "漢字", ", e\u0301"])}`;
      const ranges = rangesIn(text, parseTerms(query));
      const at = { from: before.length, to: before.length + spelled.length };
      // The words before may begin with it, too.
      expect({ written, wanted, text, query, ranges }).toMatchObject({
        ranges: expect.arrayContaining([at]),
      });
    });
  });
});

describe("the folded text", () => {
  test("[CAT-4] the characters of scripts without spaces are words, of others the words are", () => {
    expect(wordsOf("AI助手很好, naïve *md* हिन्दी 한국어")).toEqual(
      "ai 助 手 很 好 naive md हिन्दी 한국어".split(" "),
    );
    expect(wordsOf("🤖Assistant₿ ™Foo")).toEqual(["assistant", "foo"]);
  });

  test("[CAT-6] each part of it knows where it stands in the text", () => {
    forEachSeed(1_000, [], (seed) => {
      const random = new SeededRandom(seed);
      const parts = Array.from({ length: 12 }, () =>
        random.pick("a ß ﬁ 漢 é e\u0301 ｶﾞ 한 \u1112\u1161\u11AB 😀 ที่ ё \u00AD 𞤆 Ⅷ - ŀ ᾳ".split(" ")),
      );
      const text = parts.join("");
      const folded = new FoldedText(text);
      let own = 0;
      for (const part of parts) {
        const from = folded.indexOf(own);
        const to = folded.indexOf(own + part.length);
        expect(folded.folded.slice(from, to), text).toBe(fold(part));
        if (fold(part).trim() !== "") {
          const range = folded.rangeOf({ from, to });
          expect(text.slice(range.from, range.to).replaceAll("\u00AD", ""), text).toBe(part);
        }
        own += part.length;
      }
    });
  });

  test.each([
    ["محمدـــ قال", "محمد", "محمدـــ"],
    ["كتـــاب", "كتاب", "كتـــاب"],
    [`x${"\u0301".repeat(50)} y`, "x", `x${"\u0301".repeat(50)}`],
    ["שָׁלוֹם עולם", "שלום", "שָׁלוֹם"],
    ["e\u0301te\u0301 ici", "ETE", "e\u0301te\u0301"],
    ["eﬃcient", "EFF", "eﬃcient"],
  ])("[CAT-6] what is found in %s is shown with all that belongs to its letters", (text, query, shown) => {
    expect(rangesIn(text, parseTerms(query)).map(({ from, to }) => text.slice(from, to))).toEqual([shown]);
  });

  test("[CAT-6] a text of many parts is folded as one, in any script", () => {
    for (const part of ["Straße ", "Ελλάδα ", "漢字", "ที่", "e\u0301", "😀 "]) {
      const text = part.repeat(5_000);
      expect(fold(text)).toBe(fold(part).repeat(5_000));
    }
  });

  test("[CAT-6] an excerpt has a bounded number of marks, when one letter has marks without end", () => {
    const text = `e${"\u0301".repeat(100_000)} needle`;
    expect(fold(text)).toBe("e needle");
    expect(rangesIn(text, parseTerms("needle"))).toEqual([{ from: text.length - 6, to: text.length }]);
  });
});
