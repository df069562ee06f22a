import type { FragmentId } from "../../../src/language/fragment-id.ts";
import { encodePath } from "../../server-url.ts";
import { group } from "../check.ts";
import { expectEqual, expectFields } from "../expect.ts";
import type { Scene } from "../scene.ts";

interface Expected {
  readonly expanded: string;
  readonly dependencies?: readonly FragmentId[];
  readonly warnings?: readonly string[];
}

/** The stored fragment expands to this. */
async function expectExpansion(
  scene: Scene,
  id: FragmentId,
  { expanded, dependencies = [], warnings = [] }: Expected,
): Promise<void> {
  const { status, body } = await scene.request("GET", `/v1/expansions/${encodePath(id)}`);
  expectEqual("the status", status, 200);
  expectFields("the expansion", sorted(body), { expanded, dependencies: dependencies.toSorted(), warnings });
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

  "a marker and a warning name the fragment, when it does not exist": async (scene) => {
    const missing = scene.id("missing");
    const root = await scene.fragment(`a [[${missing}]] b`);
    await expectExpansion(scene, root, {
      expanded: `a [[PROMPT NOT FOUND: ${missing}]] b`,
      warnings: [`Prompt not found: '${missing}'`],
    });
  },

  "a marker and a warning replace the inclusion, when a fragment includes itself": async (scene) => {
    const id = scene.id("self");
    await scene.fragment(`a [[${id}]] b`, { id });
    await expectExpansion(scene, id, {
      expanded: `a [[SELF-REFERENCE: ${id}]] b`,
      warnings: [`Self-reference detected: Prompt '${id}' would create a circular reference`],
    });
  },

  "a marker and a warning replace the inclusion, when two fragments include each other": async (scene) => {
    const [a, b] = [scene.id("a"), scene.id("b")];
    await scene.fragment(`A[[${b}]]`, { id: a });
    await scene.fragment(`B[[${a}]]`, { id: b });
    const root = await scene.fragment(`[[${a}]]`);
    await expectExpansion(scene, root, {
      expanded: `AB[[CIRCULAR DEPENDENCY: ${a}]]`,
      dependencies: [a, b],
      warnings: [`Circular dependency detected: '${a}' has already been included in this expansion chain`],
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
    await expectExpansion(scene, root, {
      expanded: `${Array.from({ length: 12 }, (_, index) => index).join("")}[[${ids[12]}]]`,
      dependencies: ids.slice(1, 12),
      warnings: ["Maximum inclusion depth reached, stopping recursion"],
    });
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
    expectFields("the expansion", body, { expanded: `x [[SELF-REFERENCE: ${id}]]`, dependencies: [] });
    const alone = await scene.request("POST", "/v1/expand", { body: { content: `x [[${id}]]` } });
    expectFields("the expansion", alone.body, { expanded: "x stored", dependencies: [id] });
  },

  "the answer is 404, when the fragment to expand does not exist": async (scene) => {
    const { status, body } = await scene.request("GET", `/v1/expansions/${scene.id("missing")}`);
    expectEqual("the status", status, 404);
    expectFields("the problem", body, { code: "not_found" });
  },
});
