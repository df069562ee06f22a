/** What a refusal says of a value that a schema does not take. */
import * as v from "valibot";
import { expect, test } from "vitest";
import { ListQuerySchema } from "../../src/protocol/catalogue.ts";
import { describeIssues, parseInput } from "../../src/protocol/issues.ts";
import { clientFrameSchemas } from "../../src/protocol/json-frames.ts";
import { nearestName } from "../../src/protocol/nearest-name.ts";
import { PatchSchema, PutSchema } from "../../src/protocol/rest.ts";

const { edit, presence, update, update_metadata } = clientFrameSchemas;
const types = '"standard", "composite", "system", "user"';

test.each([
  [PutSchema, {}, "content: is missing"],
  [PutSchema, { content: 7 }, "content: must be a string, not 7"],
  [PutSchema, { content: null }, "content: must be a string, not null"],
  [PutSchema, { content: ["x".repeat(500)] }, "content: must be a string, not a list"],
  [PutSchema, 7, "It must be an object, not 7"],
  [PutSchema, { content: "", prompt_type: "custom" }, `prompt_type: must be one of ${types}, not "custom"`],
  [PutSchema, { content: "", base_version: 1.5 }, "base_version: must be a whole number"],
  [PutSchema, { content: "", base_version: -1 }, "base_version: must be at least 0"],
  [PatchSchema, { edits: [] }, "edits: must have at least 1 element"],
  [PatchSchema, { edits: [{ old: "", new: "" }] }, "edits.0.old: must not be empty"],
  [PatchSchema, { edits: Array(101).fill({ old: "a", new: "b" }) }, "edits: must have at most 100 elements"],
  [PatchSchema, { content: "", edits: [{ old: "a", new: "" }] }, "content and edits exclude each other"],
  [update, { action: "update", content: "", request_id: "" }, "request_id: must have at least 1 character"],
  [edit, { action: "edit", changes: {} }, "changes: must be a list, not an object"],
  [presence, { action: "presence", state: [] }, "state: must be an object"],
  [update_metadata, { action: "update_metadata", tags: [true] }, "tags.0: must be a string, not true"],
  [ListQuerySchema, { limit: "0" }, "limit: must be at least 1"],
])(
  "[FRAME-6] the sentence is plain and names the field, when a value is wrong: %#",
  (schema, value, sentence) => {
    expect(describe(schema, value)).toBe(sentence);
  },
);

test("[FRAME-6] a sentence repeats a hundred units and no half of a character, when the value is long", () => {
  const said = (value: string) => {
    const sentence = describe(PutSchema, { content: "", prompt_type: value });
    return sentence.slice(`prompt_type: must be one of ${types}, not `.length);
  };
  expect(said("x".repeat(500_000))).toBe(`"${"x".repeat(99)}…`);
  // With the quote before them, the hundredth unit is the first half of one.
  expect(said("😀".repeat(100))).toBe(`"${"😀".repeat(49)}…`);
  expect(said(`a${"😀".repeat(100)}`)).toBe(`"a${"😀".repeat(49)}…`);
});

test.each([
  [PutSchema, { contents: "x" }, "contents: is not known; did you mean `content`?"],
  [PutSchema, { content: "x", tag: [] }, "tag: is not known; did you mean `tags`?"],
  [PutSchema, { content: "x", baseVersion: 1 }, "baseVersion: is not known; did you mean `base_version`?"],
  [PutSchema, { content: "x", type: "user" }, "type: is not known; did you mean `prompt_type`?"],
  [PutSchema, { content: 7, hasOwnProperty: 7 }, /^hasOwnProperty: is not known; known here: `content`, /],
  [PatchSchema, { edits: [{ old: "a", nwe: "b" }] }, "edits.0.nwe: is not known; did you mean `new`?"],
  [PatchSchema, JSON.parse('{"__proto__":1}'), /^__proto__: is not known; known here: /],
  [PatchSchema, { ["x".repeat(5_000_000)]: 1 }, /^x{100}…: is not known; known here: /],
])(
  "[FRAME-7] an unknown field is named before what is missing, and with the nearest known one: %#",
  (schema, value, sentence) => {
    const result = parseInput(schema, value, "invalid_body");
    expect(result).toMatchObject({
      ok: false,
      refusal: { code: "invalid_body", message: expect.stringMatching(sentence) },
    });
  },
);

test.each([
  ["q", "query"],
  ["Query", "query"],
  ["serach", null],
  ["prompt_type", "type"],
  ["tags", "tag"],
  ["updatedSince", "updated_since"],
  ["since", "updated_since"],
  ["lmiit", "limit"],
  ["folder", null],
  ["", null],
  ["-", null],
])("[FRAME-7] %s has as its nearest known name %s", (unknown, nearest) => {
  expect(nearestName(unknown, Object.keys(ListQuerySchema.entries))).toBe(nearest);
});

function describe(schema: v.GenericSchema, value: unknown): string {
  const result = v.safeParse(schema, value, { abortEarly: true });
  return result.success ? "" : describeIssues(result.issues);
}
