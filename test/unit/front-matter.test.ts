import { describe, expect, test } from "vitest";
import { parseFragmentFile } from "../../tools/dev/front-matter.ts";

describe("parseFragmentFile", () => {
  test("[SEED-1] parseFragmentFile reads metadata and text, when the file has both", () => {
    const source =
      "---\ndescription: Says hello\ntags: [a, b]\nprompt_type: system\n---\n\nHello\n\n---\nyou\n";
    expect(parseFragmentFile(source)).toEqual({
      ok: true,
      file: {
        description: "Says hello",
        tags: ["a", "b"],
        prompt_type: "system",
        content: "Hello\n\n---\nyou",
      },
    });
  });

  test.each([
    ["no front matter", "Hello\n"],
    ["an empty front matter", "---\n---\nHello"],
    ["a byte order mark", "\ufeffHello"],
    ["a byte order mark before the front matter", "\ufeff---\n---\nHello"],
  ])("[SEED-2] parseFragmentFile takes the defaults, when the file has %s", (_, source) => {
    expect(parseFragmentFile(source)).toEqual({
      ok: true,
      file: { description: "", tags: [], prompt_type: "standard", content: "Hello" },
    });
  });

  test("[SEED-3] parseFragmentFile keeps the text's own line ends and indentation, when it drops those around it", () => {
    const parsed = parseFragmentFile("---\r\ndescription: d\r\n---\r\n\r\n  a\r\n\r\nb \r\n");
    expect(parsed).toMatchObject({ ok: true, file: { description: "d", content: "  a\r\n\r\nb " } });
  });

  test("[SEED-3] parseFragmentFile gives an empty text, when nothing follows the front matter", () => {
    expect(parseFragmentFile("---\ndescription: d\n---")).toMatchObject({ ok: true, file: { content: "" } });
  });

  test.each([
    ["is not closed", "---\ndescription: d\n", /not closed/],
    ["is not YAML", "---\ntags: [a\n---\n", /not valid YAML/],
    ["gives a key twice", "---\ntags: []\ntags: []\n---\n", /not valid YAML/],
    ["is a list", "---\n- a\n---\n", /is wrong/],
    [
      "misspells a key",
      "---\ntag: [a]\n---\n",
      /is wrong: tag: is not known\. Known keys: description, tags, prompt_type\.$/,
    ],
    ["has tags that are no list", "---\ntags: a, b\n---\n", /is wrong: tags: /],
    ["has a tag that is a number", "---\ntags: [2024]\n---\n", /is wrong: tags\.0: /],
    ["has an unknown prompt type", "---\nprompt_type: fancy\n---\n", /is wrong: prompt_type: /],
  ])("[SEED-4] parseFragmentFile refuses and says why, when the front matter %s", (_, source, reason) => {
    expect(parseFragmentFile(source)).toEqual({ ok: false, reason: expect.stringMatching(reason) });
  });
});
