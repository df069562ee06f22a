/**
 * A program of somebody who knows `/openapi.json` only: it is compiled with the client that a stock generator has made
 * of it, and run against a server. `node program.ts URL` prints what it has seen as JSON.
 */
import * as api from "../../build/generated-client/client.ts";

api.defaults.baseUrl = process.argv[2] ?? "";

const id = "generated/über uns";
const seen: unknown[] = [];

const created = await api.createFragment({
  id,
  content: "Hello, [[generated/name]]!",
  tags: ["a"],
});
if (created.status !== 201) throw new Error(created.data.code);
seen.push(created.data.id, created.data.version);

const put = await api.putFragment("generated/name", { content: "world" });
if (put.status !== 201) throw new Error(`put: ${put.status}`);

const patched = await api.patchFragment(id, {
  edits: [{ old: "Hello", new: "Good day" }],
  prompt_type: "composite",
  base_version: created.data.version,
});
if (patched.status !== 200) throw new Error(`patch: ${patched.status}`);
seen.push(patched.data.content, patched.data.prompt_type);

const read = await api.getFragment(id);
if (read.status !== 200) throw new Error(`get: ${read.status}`);
seen.push(read.data.content);

const page = await api.listFragments({ prefix: "generated", tag: ["a"], sort: "id", limit: 10 });
if (page.status !== 200) throw new Error(`list: ${page.status}`);
seen.push(page.data.fragments.map((fragment) => [fragment.id, fragment.includes]));

const expansion = await api.getExpansion(id);
if (expansion.status !== 200 || typeof expansion.data === "string")
  throw new Error(`expand: ${expansion.status}`);
seen.push(expansion.data.expanded);

const text = await api.expandText({ content: "[[generated/name]]" });
if (text.status !== 200) throw new Error(`expand: ${text.status}`);
seen.push(text.data.expanded);

const stale = await api.putFragment(id, { content: "", base_version: 99 });
if (stale.status !== 409) throw new Error(`stale: ${stale.status}`);
seen.push(stale.data.code, stale.data.version);

seen.push((await api.deleteFragment(id)).status, (await api.getFragment(id)).status);
console.log(JSON.stringify(seen));
