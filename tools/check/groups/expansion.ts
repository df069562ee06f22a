import type { FragmentId } from "../../../src/language/fragment-id.ts";
import { type EncodedSourceMap, SourceMap } from "../../../src/language/source-map.ts";
import { encodePath } from "../../server-url.ts";
import { group } from "../check.ts";
import { expectEqual, expectFields } from "../expect.ts";
import type { Scene } from "../scene.ts";

interface Expected {
  readonly expanded: string;
  readonly dependencies?: readonly FragmentId[];
  readonly warnings?: readonly object[];
}

/** The stored fragment expands to this. */
async function expectExpansion(
  scene: Scene,
  id: FragmentId,
  { expanded, dependencies = [], warnings = [] }: Expected,
  query = "",
): Promise<void> {
  const { status, body } = await scene.request("GET", `/v1/expansions/${encodePath(id)}${query}`);
  expectEqual("the status", status, 200);
  expectFields("the expansion", sorted(body), { expanded, dependencies: dependencies.toSorted() });
  expectEqual("the warnings", withoutMessages(body), warnings);
}

/** The warnings of an answer, without the sentences for people. */
function withoutMessages(body: unknown): unknown {
  if (typeof body !== "object" || body === null || !("warnings" in body)) return body;
  const { warnings } = body;
  return Array.isArray(warnings) ? warnings.map(({ message: _, ...warning }) => warning) : warnings;
}

/** The warning of an inclusion in a fragment's text. */
function warningOf(
  code: string,
  fragment: FragmentId,
  text: string,
  inclusion: string,
  chain: readonly FragmentId[] = [],
): object {
  const from = text.indexOf(inclusion);
  return { code, fragment, range: { from, to: from + inclusion.length }, chain };
}

/** Dependencies are a set. */
function sorted(body: unknown): unknown {
  if (typeof body !== "object" || body === null || !("dependencies" in body)) return body;
  const { dependencies } = body;
  return Array.isArray(dependencies) ? { ...body, dependencies: dependencies.toSorted() } : body;
}

/** Texts with their inclusions resolved. */
export const expansion = group("expansion", {
  "an inclusion is replaced by its text, with the inclusions in it": async (scene) => {
    const [leaf, middle] = [scene.id("leaf"), scene.id("middle")];
    await scene.fragment("leaf", { id: leaf });
    await scene.fragment(`<[[${leaf}]]>`, { id: middle });
    const root = await scene.fragment(`before [[${middle}]] after`);
    await expectExpansion(scene, root, { expanded: "before <leaf> after", dependencies: [leaf, middle] });
  },

  "a trailing .md is dropped, and a fragment that is included twice is one dependency": async (scene) => {
    const leaf = await scene.fragment("leaf", { id: scene.id("leaf") });
    const root = await scene.fragment(`[[${leaf}]] [[${leaf}.md]]`);
    await expectExpansion(scene, root, { expanded: "leaf leaf", dependencies: [leaf] });
  },

  "an inclusion stays as it is written, with a warning, when no fragment has its name": async (scene) => {
    const missing = scene.id("missing");
    const text = `a [[${missing}]] b [[ -f x ]]`;
    const root = await scene.fragment(text);
    await expectExpansion(scene, root, {
      expanded: text,
      warnings: [
        warningOf("not_found", root, text, `[[${missing}]]`),
        warningOf("invalid_name", root, text, "[[ -f x ]]"),
      ],
    });
  },

  "an inclusion stays as it is written, with a warning, when a fragment includes itself": async (scene) => {
    const id = scene.id("self");
    const text = `a [[${id}]] b`;
    await scene.fragment(text, { id });
    const warnings = [warningOf("self_reference", id, text, `[[${id}]]`)];
    await expectExpansion(scene, id, { expanded: text, warnings });
  },

  "an inclusion stays as it is written, with a warning, when two fragments include each other": async (
    scene,
  ) => {
    const [a, b] = [scene.id("a"), scene.id("b")];
    await scene.fragment(`A[[${b}]]`, { id: a });
    await scene.fragment(`B[[${a}]]`, { id: b });
    const root = await scene.fragment(`[[${a}]]`);
    await expectExpansion(scene, root, {
      expanded: `AB[[${a}]]`,
      dependencies: [a, b],
      warnings: [warningOf("cycle", b, `B[[${a}]]`, `[[${a}]]`, [a, b])],
    });
  },

  "the rest stays as it is with a warning, when inclusions are deeper than 10": async (scene) => {
    const ids = Array.from({ length: 13 }, (_, index) => scene.id(`d${index}`));
    await Promise.all(
      ids.map((id, index) =>
        scene.fragment(ids[index + 1] === undefined ? "end" : `${index}[[${ids[index + 1]}]]`, { id }),
      ),
    );
    const [root = scene.id()] = ids;
    const [last = root, chain] = [ids[11], ids.slice(1, 12)];
    await expectExpansion(scene, root, {
      expanded: `${Array.from({ length: 12 }, (_, index) => index).join("")}[[${ids[12]}]]`,
      dependencies: chain,
      warnings: [warningOf("depth_limit", last, `11[[${ids[12]}]]`, `[[${ids[12]}]]`, chain)],
    });
  },

  "an alias is ignored, spaces too, and a section ends at the next heading of its level": async (scene) => {
    const book = await scene.fragment("# Tone\nKind.\n## Words\nShort.\n# Facts\nTrue.\n", {
      id: scene.id("book"),
    });
    const root = await scene.fragment(`[[ ${book}#tone | the tone ]]/[[${book}#Facts]]`);
    const expanded = "# Tone\nKind.\n## Words\nShort.\n/# Facts\nTrue.\n";
    await expectExpansion(scene, root, { expanded, dependencies: [book] });
  },

  "an inclusion is plain text, when a backslash stands before it": async (scene) => {
    const leaf = await scene.fragment("leaf", { id: scene.id("leaf") });
    const root = await scene.fragment(`\\[[${leaf}]] \\\\[[${leaf}]] \\[[ -f x ]]`);
    await expectExpansion(scene, root, {
      expanded: `[[${leaf}]] \\\\leaf \\[[ -f x ]]`,
      dependencies: [leaf],
      warnings: [],
    });
  },

  "what cannot be resolved becomes what the request asks for": async (scene) => {
    const missing = scene.id("missing");
    const text = `a [[${missing}]] b`;
    const root = await scene.fragment(text);
    const warnings = [warningOf("not_found", root, text, `[[${missing}]]`)];
    const notice = `a [[PROMPT NOT FOUND: ${missing}]] b`;
    const choices = { keep: text, empty: "a  b", marker: notice };
    const ann = await scene.join(root, "Ann");
    for (const [unresolved, expanded] of Object.entries(choices)) {
      await expectExpansion(scene, root, { expanded, warnings }, `?unresolved=${unresolved}`);
      const posted = await scene.request("POST", "/v1/expand", { body: { content: text, unresolved } });
      expectFields(`the posted text, with ${unresolved}`, posted.body, { expanded });
      const told = await ann.ask({ action: "expand", unresolved, request_id: unresolved });
      expectFields(`the answer on the socket, with ${unresolved}`, told, { expanded });
    }
    const address = `/v1/expansions/${encodePath(root)}?unresolved=error`;
    const { status, body } = await scene.request("GET", address);
    expectEqual("the status, with error", status, 422);
    expectFields("the problem", body, { code: "unresolved_inclusions" });
    expectEqual("the warnings of the problem", withoutMessages(body), warnings);
    const refused = await ann.ask({ action: "expand", unresolved: "error", request_id: "error" });
    expectFields("the answer on the socket, with error", refused, {
      action: "error",
      code: "unresolved_inclusions",
    });
    expectEqual("the warnings on the socket", withoutMessages(refused), warnings);
  },

  "variables get their values, which are not looked into, and others stay": async (scene) => {
    const leaf = await scene.fragment("to {{ city }}", { id: scene.id("leaf") });
    const content = `[[${leaf}]], {{who}} {{{city}}} {% city %}`;
    const root = await scene.fragment(content);
    const expanded = `to {{who}}, {{who}} {{{city}}} {% city %}`;
    await expectExpansion(scene, root, { expanded, dependencies: [leaf] }, "?var.city={{who}}");
    const variables = { city: "{{who}}" };
    const { body } = await scene.request("POST", "/v1/expand", { body: { content, variables } });
    expectFields("the posted text", body, { expanded, variables: { filled: ["city"], left: ["who"] } });
    const ann = await scene.join(root, "Ann");
    const told = await ann.ask({ action: "expand", variables, request_id: "1" });
    expectFields("the answer on the socket", told, { expanded });
  },

  "the source map leads to where each character was written, and back": async (scene) => {
    const leaf = await scene.fragment("leaf {{v}}", { id: scene.id("leaf") });
    const content = `a [[${leaf}]] b`;
    const root = await scene.fragment(content);
    const ann = await scene.join(root, "Ann");
    const options = { content, id: root, variables: { v: "value" }, map: true };
    const { id: _, ...frame } = options;
    const answers = [
      await scene.request("POST", "/v1/expand", { body: options }),
      await scene.request("GET", `/v1/expansions/${encodePath(root)}?var.v=value&map=1`),
      { body: await ann.ask({ action: "expand", ...frame, request_id: "1" }) },
    ];
    for (const [at, { body }] of answers.entries()) {
      const { expanded, map } = body as { expanded: string; map: EncodedSourceMap }; // checked by what follows
      expectEqual("the expanded text", expanded, "a leaf value b");
      const decoded = new SourceMap(map);
      const version = at === 1 ? 1 : null;
      const inLeaf = { id: leaf, version: 1 };
      expectEqual("where `leaf` was written", decoded.originOf(2), { ...inLeaf, at: 0, isExact: true });
      expectEqual("where the value stands", decoded.originOf(9), { ...inLeaf, at: 5, isExact: false });
      const b = { id: root, version, at: content.length - 1, isExact: true };
      expectEqual("where `b` was written", decoded.originOf(13), b);
      expectEqual("where `b` went", decoded.placesOf(root, b.at), [13]);
    }
  },

  "a client gets the current text expanded, when it asks over its socket": async (scene) => {
    const leaf = await scene.fragment("leaf", { id: scene.id("leaf") });
    const ann = await scene.join(await scene.fragment(`[[${leaf}]]!`), "Ann");
    const answer = await ann.ask({ action: "expand", request_id: "1" });
    expectEqual("the answer", answer, {
      action: "expanded",
      content: `[[${leaf}]]!`,
      expanded: "leaf!",
      dependencies: [leaf],
      warnings: [],
      variables: { filled: [], left: [] },
      request_id: "1",
    });
  },

  "an unsaved text is expanded and not saved, when a client sends one": async (scene) => {
    const leaf = await scene.fragment("leaf", { id: scene.id("leaf") });
    const id = await scene.fragment("saved");
    const ann = await scene.join(id, "Ann");
    const answer = await ann.ask({ action: "expand", content: `unsaved [[${leaf}]]`, request_id: "1" });
    expectFields("the answer", answer, { action: "expanded", expanded: "unsaved leaf" });
    await scene.expectStored(id, "saved");
  },

  "an edit shows in the next expansion, when it is acknowledged": async (scene) => {
    const leaf = await scene.fragment("old", { id: scene.id("leaf") });
    const root = await scene.fragment(`[[${leaf}]]`);
    const ann = await scene.join(leaf, "Ann");
    await ann.write({ action: "update", content: "new", request_id: "1" });
    await expectExpansion(scene, root, { expanded: "new", dependencies: [leaf] });
  },

  "a posted text is expanded as that of a fragment, when it names the fragment": async (scene) => {
    const id = await scene.fragment("stored");
    const { status, body } = await scene.request("POST", "/v1/expand", {
      body: { content: `x [[${id}]]`, id },
    });
    expectEqual("the status", status, 200);
    expectFields("the expansion", body, { expanded: `x [[${id}]]`, dependencies: [] });
    const alone = await scene.request("POST", "/v1/expand", { body: { content: `x [[${id}]]` } });
    expectFields("the expansion", alone.body, { expanded: "x stored", dependencies: [id] });
  },

  "the answer is 404, when the fragment to expand does not exist": async (scene) => {
    const { status, body } = await scene.request("GET", `/v1/expansions/${scene.id("missing")}`);
    expectEqual("the status", status, 404);
    expectFields("the problem", body, { code: "not_found" });
  },
});
