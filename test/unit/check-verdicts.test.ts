import { expect, test } from "vitest";
import { isListRight } from "../load/catalogue-kills.ts";
import { hasKeptAll } from "../load/kill-rounds.ts";
import { TokenLedger } from "../load/token-ledger.ts";

test("[CLI-4] the check of lost edits fails, when nothing was acknowledged", () => {
  const ledger = new TokenLedger();
  ledger.check("", 1);
  expect(hasKeptAll(ledger)).toBe(false);
});

test("[LIVE-1] the check of lost edits passes, when each acknowledged edit stands in the text once", () => {
  expect(hasKeptAll(readLedger("a1:1;"))).toBe(true);
});

test.for([
  { what: "an acknowledged edit is lost", text: "" },
  { what: "it stands there twice", text: "a1:1;a1:1;" },
  { what: "the text holds what nobody wrote", text: "a1:1;?" },
])("[LIVE-1] the check of lost edits fails, when $what", ({ text }) => {
  expect(hasKeptAll(readLedger(text))).toBe(false);
});

test.for([
  { what: "no write was answered", writes: 0, differences: [], isRight: false },
  { what: "a fragment is not listed", writes: 5, differences: ["a is not listed"], isRight: false },
  { what: "writes were answered and nothing differs", writes: 5, differences: [], isRight: true },
])("[CLI-4] the check of the catalogue says $isRight, when $what", ({ writes, differences, isRight }) => {
  expect(isListRight({ writes, fragments: 1, differences })).toBe(isRight);
});

/** Of a run in which one edit was acknowledged, and this was read afterwards. */
function readLedger(text: string): TokenLedger {
  const ledger = new TokenLedger();
  ledger.acknowledge("a1:1;");
  ledger.check(text, 1);
  return ledger;
}
