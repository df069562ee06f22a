/** The old system's REST clients, unchanged: its addresses, its fields, its errors. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { FRAGMENT_ID_RULE } from "../../src/language/fragment-id.ts";
import {
  createFragment,
  type FragmentBody,
  freshId,
  joinJson,
  objectOf,
  readFragment,
  request,
} from "./connect.ts";

const PREFIXES = ["/api/prompts", "/api/prompts/fragments"];
/** What may stand at the end of an address. */
const ENDS = ["", "/"];
const ADDRESSES = PREFIXES.flatMap((prefix) => ENDS.map((end) => ({ prefix, end })));

afterEach(() => {
  vi.restoreAllMocks();
});

async function createOld(fields: object): Promise<FragmentBody> {
  const response = await request("POST", "/api/prompts/", fields);
  expect(response.status).toBe(200);
  return response.json<FragmentBody>();
}

async function getJson<T>(path: string): Promise<T> {
  const response = await request("GET", path);
  expect({ path, status: response.status }).toEqual({ path, status: 200 });
  expect(response.headers.get("Content-Type")).toBe("application/json");
  return response.json<T>();
}

async function expectError(answer: Response, status: number, detail: unknown): Promise<void> {
  expect(answer.status).toBe(status);
  expect(answer.headers.get("Content-Type")).toBe("application/json");
  expect(await answer.json()).toMatchObject({ detail, code: expect.any(String) });
}

describe("one prompt", () => {
  test.each(ADDRESSES)(
    "[OLD-7] a prompt is made, read, changed and deleted, when a client uses $prefix and ends its addresses with '$end'",
    async ({ prefix, end }) => {
      const id = freshId();
      const made = await request("POST", `${prefix}${end}`, {
        id,
        content: "one",
        directory: "/home/me/prompts",
      });
      expect(made.status).toBe(200);
      expect(await made.json()).toMatchObject({ id, content: "one", description: "", tags: [] });
      const path = `${prefix}/${id}`;
      expect(await getJson(`${path}${end}`)).toMatchObject({ id, content: "one" });
      expect(await getJson(`${prefix}/check_exists/${id}${end}`)).toEqual({ exists: true, id });
      const put = await request("PUT", `${path}${end}`, { content: "two" });
      expect(put.status).toBe(200);
      expect(await put.json()).toMatchObject({ id, content: "two" });
      expect(await readFragment(id)).toMatchObject({ content: "two", version: 2 });
      const deleted = await request("DELETE", `${path}${end}`);
      expect(deleted.status).toBe(200);
      expect(await deleted.json()).toEqual({
        success: true,
        id,
        message: `Prompt '${id}' deleted successfully`,
      });
      await expectError(await request("GET", `${path}${end}`), 404, `Prompt '${id}' not found`);
      expect(await getJson(`${prefix}/check_exists/${id}${end}`)).toEqual({ exists: false, id });
    },
  );

  test("[OLD-8] the answer has the old fields and the new ones, when a prompt is made", async () => {
    const metadata = { description: "d", tags: ["t", "u"], prompt_type: "system" };
    const made = await createOld({ id: "team/sub/greeting", content: "Hello", ...metadata, directory: "/x" });
    expect(made).toEqual({
      ...(await readFragment("team/sub/greeting")),
      ...metadata,
      filename: "greeting.md",
      directory: "team/sub",
      directory_name: "sub",
      unique_id: "team/sub/greeting",
    });
    expect(await getJson("/api/prompts/team/sub/greeting")).toEqual(made);
  });

  test("[OLD-8] a null field counts as absent and unknown fields are ignored, when a prompt is made", async () => {
    const id = freshId();
    const made = await createOld({
      id,
      content: null,
      description: null,
      tags: null,
      prompt_type: null,
      directory: 7,
      name: {},
    });
    expect(made).toMatchObject({ id, content: "", description: "", tags: [], prompt_type: "standard" });
  });

  test("[OLD-8] the answer is 400 and nothing changes, when the id exists", async () => {
    const { id } = await createFragment("kept");
    const answer = await request("POST", "/api/prompts/", { id, content: "other" });
    await expectError(answer, 400, `Prompt with ID '${id}' already exists`);
    expect(await readFragment(id)).toMatchObject({ content: "kept", version: 1 });
  });

  test("[OLD-8] the id becomes canonical, when it holds spaces and slashes", async () => {
    const made = await createOld({ id: "my team/my prompt", content: "here" });
    expect(made.id).toBe("my_team/my_prompt");
    for (const path of [
      "my%20team/my%20prompt",
      "my_team%2Fmy_prompt",
      "my_team/my_prompt/",
      "my%20team%2Fmy_prompt",
    ])
      expect(await getJson(`/api/prompts/${path}`)).toMatchObject({ id: made.id, content: "here" });
    expect(await getJson("/api/prompts/check_exists/my%20team%2Fmy%20prompt")).toEqual({
      exists: true,
      id: made.id,
    });
  });

  test.each([
    ["its content", { content: "new" }],
    ["its description", { description: "new" }],
    ["its tags", { tags: ["new"] }],
    ["its type", { prompt_type: "user" }],
    ["an empty description and nulls", { description: "", content: null, tags: null }],
  ])("[OLD-9] all else stays, when a client puts only %s", async (_, fields) => {
    const before = await createFragment("old", { description: "d", tags: ["t"], prompt_type: "system" });
    const put = await request("PUT", `/api/prompts/${before.id}`, fields);
    expect(put.status).toBe(200);
    const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
    const { content, description, tags, prompt_type } = { ...before, ...given };
    expect(await put.json()).toMatchObject({ content, description, tags, prompt_type, version: 2 });
  });

  test("[OLD-9] a prompt does not change, when a client puts nothing, or puts back what it read", async () => {
    const { id } = await createFragment("old", { tags: ["b", "a"] });
    const read = await getJson(`/api/prompts/${id}`);
    expect(await (await request("PUT", `/api/prompts/${id}`, {})).json()).toEqual(read);
    expect(await (await request("PUT", `/api/prompts/${id}`, read)).json()).toEqual(read);
  });

  test("[OLD-9] open editors get the difference, when a client puts a text", async () => {
    const { id } = await createFragment("one two");
    const editor = await joinJson(id, "?changes=1");
    await request("PUT", `/api/prompts/${id}/`, { content: "one and two" });
    expect(await editor.next("update")).toMatchObject({ changes: [{ from: 4, to: 4, insert: "and " }] });
  });

  test("[OLD-18] later edits of others stay, when a page puts its edit of the text that it had read", async () => {
    const { id } = await createFragment("one two three");
    const path = `/api/prompts/${id}`;
    const pages = [await request("GET", path), await request("GET", path)];
    for (const page of pages) expect(await page.json()).toMatchObject({ content: "one two three" });
    await request("PUT", path, { content: "one two three four" });
    const socket = await joinJson(id);
    socket.send({ action: "update", content: "one 2 three four", base_version: 2 });
    await socket.next("update_status");
    const saved = await request("PUT", path, { content: "zero one two three" });
    expect(await saved.json()).toMatchObject({ content: "zero one 2 three four" });
  });

  test("[OLD-18] a program replaces its own text, when nobody else has read it", async () => {
    const { id } = await createFragment("Hello");
    for (const content of ["Hello world", "Hello there", "Hello"]) {
      const answer = await request("PUT", `/api/prompts/${id}`, { content });
      expect(await answer.json()).toMatchObject({ content });
    }
  });

  test("[OLD-10] the answer is 404 and nothing is made, when a client puts or deletes what does not exist", async () => {
    const id = freshId();
    const detail = `Prompt '${id}' not found`;
    await expectError(await request("PUT", `/api/prompts/${id}`, { content: "x" }), 404, detail);
    await expectError(await request("DELETE", `/api/prompts/${id}`), 404, detail);
    await expectError(await request("GET", `/api/prompts/${id}`), 404, detail);
  });

  test("[OLD-10] every editor is told, when a client deletes", async () => {
    const { id } = await createFragment("");
    const editor = await joinJson(id);
    await request("DELETE", `/api/prompts/${id}`);
    expect(await editor.closed()).toMatchObject({ code: 4410 });
  });
});

describe("expansion", () => {
  test.each(ADDRESSES)(
    "[OLD-11] a text is expanded over $prefix, ending with '$end'",
    async ({ prefix, end }) => {
      const part = await createFragment("a part");
      const root = freshId();
      const content = `[[${part.id}]] [[${root}]] [[no/where]]`;
      const ask = async (body: object) => (await request("POST", `${prefix}/expand${end}`, body)).json();
      expect(await ask({ content, prompt_id: root })).toEqual({
        content,
        expanded: `a part [[SELF-REFERENCE: ${root}]] [[PROMPT NOT FOUND: no/where]]`,
        dependencies: [part.id],
        warnings: [
          `Self-reference detected: Prompt '${root}' would create a circular reference`,
          "Prompt not found: 'no/where'",
        ],
      });
      expect(await ask({ content: "", prompt_id: null })).toEqual({
        content: "",
        expanded: "",
        dependencies: [],
        warnings: [],
      });
    },
  );

  test.each(ADDRESSES)(
    "[OLD-11] a stored prompt is expanded over $prefix, ending with '$end'",
    async ({ prefix, end }) => {
      const part = await createFragment("a part");
      const content = `with [[${part.id}]]`;
      const { id } = await createFragment(content, { prompt_type: "composite" });
      const others = { dependencies: [part.id], warnings: [] };
      expect(await getJson(`${prefix}/${id}/render${end}`)).toEqual({
        id,
        original: content,
        rendered: "with a part",
        prompt_type: "composite",
        ...others,
      });
      const answer = await request("POST", `${prefix}/expand${end}`, { prompt_id: id, directory: "/x" });
      expect(await answer.json()).toEqual({
        prompt_id: id,
        original_content: content,
        expanded_content: "with a part",
        ...others,
      });
    },
  );

  test("[OLD-11] the answer is 404, when the prompt does not exist", async () => {
    const id = freshId();
    const detail = `Prompt '${id}' not found`;
    await expectError(await request("GET", `/api/prompts/${id}/render`), 404, detail);
    await expectError(await request("POST", "/api/prompts/expand", { prompt_id: id }), 404, detail);
  });
});

describe("lists", () => {
  /** More than are read at a time, and more than are suggested. */
  const many = Array.from({ length: 53 }, (_, n) => `Many/${String(n).padStart(2, "0")}`);
  beforeAll(async () => {
    await Promise.all(many.map((id) => createFragment(id, { id })));
  });

  test.each([
    ...ADDRESSES.map(({ prefix, end }) => `${prefix}/all${end}`),
    ...ADDRESSES.map(({ prefix, end }) => `${prefix}${end}`),
  ])(
    "[OLD-12] a prompt is in the list at %s as it is, when it was just made, changed or deleted",
    async (path) => {
      const [one, two] = [
        await createOld({ id: freshId(), content: "1" }),
        await createOld({ id: freshId() }),
      ];
      await request("PUT", `/api/prompts/${one.id}`, { content: "now", tags: ["t"] });
      const ours = async () =>
        (await getJson<FragmentBody[]>(path)).filter(({ id }) => [one.id, two.id].includes(id));
      const changed = await getJson<FragmentBody>(`/api/prompts/${one.id}`);
      expect(changed).toMatchObject({ content: "now", tags: ["t"] });
      expect(await ours()).toEqual([changed, two]);
      await request("DELETE", `/api/prompts/${one.id}`);
      expect(await ours()).toEqual([two]);
    },
  );

  test("[OLD-12] all prompts are listed once, in the order of their ids, when they fill many reads", async () => {
    const all = await getJson<FragmentBody[]>("/api/prompts/all");
    expect(all.filter(({ id }) => id.startsWith("Many/"))).toMatchObject(
      many.map((id) => ({ id, content: id })),
    );
    expect(all.map(({ id }) => id)).toEqual(all.map(({ id }) => id).toSorted());
  });

  test("[OLD-12] the answer breaks off, when a fragment in the midst of the list cannot be asked", async () => {
    const getByName = env.FRAGMENT.getByName.bind(env.FRAGMENT);
    let asked = 0;
    vi.spyOn(env.FRAGMENT, "getByName").mockImplementation((name) => {
      if (++asked > 35) throw new Error("out of reach");
      return getByName(name);
    });
    const answer = await request("GET", "/api/prompts/all");
    expect(answer.status).toBe(200);
    await expect(answer.text()).rejects.toThrow("out of reach");
  });

  test("[OLD-13] the prompts that include one are listed, directly or through others, whatever the address ends with", async () => {
    const base = await createOld({ id: "refs/base", content: "here" });
    const near = await createOld({ id: "refs/near", content: "[[refs/base]]", description: "d" });
    const far = await createOld({ id: "refs/far", content: "[[refs/near]]" });
    const shown = [far, near].map(({ id, description }) => ({ id, description, directory: "refs" }));
    for (const { prefix, end } of ADDRESSES) {
      expect(await getJson(`${prefix}/${base.id}/referenced_by${end}`)).toEqual(shown);
      expect(await getJson(`${prefix}/${far.id}/referenced_by${end}`)).toEqual([]);
      expect(await getJson(`${prefix}/refs/nothing/referenced_by${end}`)).toEqual([]);
    }
  });

  test.each(ADDRESSES)(
    "[OLD-13] at most 50 ids are suggested over $prefix, ending with '$end'",
    async ({ prefix, end }) => {
      const ask = (query: string) => getJson<{ id: string }[]>(`${prefix}/search_suggestions${end}${query}`);
      const others = many.filter((id) => id !== "Many/03");
      expect(await ask("?query=mANY/&exclude=Many%2F03")).toEqual(others.slice(0, 50).map((id) => ({ id })));
      expect(await ask("?query=any/5&exclude=")).toEqual(
        ["Many/50", "Many/51", "Many/52"].map((id) => ({ id })),
      );
      expect(await ask("?query=no%20such&exclude=not+an+id!")).toEqual([]);
      expect((await ask("")).length).toBe(50);
    },
  );
});

describe("errors", () => {
  test.each([
    ["not JSON", "{"],
    ["not an object", "[]"],
    ["nothing", ""],
    ["not UTF-8", "\ud800"],
    ["without an id", { content: "x" }],
    ["with an id of another kind", { id: 7 }],
    ["with a content of another kind", { id: "shape", content: ["x"] }],
    ["with tags of another kind", { id: "shape", tags: "x" }],
    ["with an unknown type", { id: "shape", prompt_type: "poem" }],
    ["with a description that is too long", { id: "shape", description: "x".repeat(2_001) }],
    ["deeply nested", `{"id":${"[".repeat(20_000)}`],
  ])("[OLD-14] the answer is 422 with a list, when a body is %s", async (_, body) => {
    const answers = [
      await request("POST", "/api/prompts/", body),
      await request("POST", "/api/prompts/fragments", body),
    ];
    for (const answer of answers) {
      await expectError(answer, 422, [{ type: "value_error", loc: ["body"], msg: expect.any(String) }]);
    }
    expect(await getJson("/api/prompts/check_exists/shape")).toMatchObject({ exists: false });
  });

  test("[OLD-14] the answer is 422, when an expansion or a change is of the wrong shape", async () => {
    const { id } = await createFragment("kept");
    const shape = [{ type: "value_error", loc: ["body"], msg: expect.any(String) }];
    await expectError(await request("POST", "/api/prompts/expand", {}), 422, shape);
    await expectError(await request("POST", "/api/prompts/expand/", { content: 1 }), 422, shape);
    await expectError(await request("PUT", `/api/prompts/${id}`, { tags: [1] }), 422, shape);
    expect(await readFragment(id)).toMatchObject({ content: "kept", version: 1 });
  });

  test.each(["a//b", "-a", "a\u200bb", "a?b", "a/b/c/d/e/f/g/h/i", "é".repeat(101)])(
    "[OLD-14] the answer is 400 with the rule, when an id is bad: %s",
    async (id) => {
      const path = encodeURIComponent(id);
      const answers = [
        await request("POST", "/api/prompts/", { id }),
        await request("GET", `/api/prompts/${path}`),
        await request("PUT", `/api/prompts/fragments/${path}/`, {}),
        await request("DELETE", `/api/prompts/${path}`),
        await request("GET", `/api/prompts/check_exists/${path}`),
        await request("GET", `/api/prompts/${path}/render`),
        await request("GET", `/api/prompts/${path}/referenced_by`),
        await request("POST", "/api/prompts/expand", { content: "", prompt_id: id }),
      ];
      for (const answer of answers) await expectError(answer, 400, expect.stringContaining(FRAGMENT_ID_RULE));
    },
  );

  test("[OLD-14] the answer is 400 or 413 with a sentence, when a content cannot be stored", async () => {
    const id = freshId();
    await expectError(await request("POST", "/api/prompts/", { id, content: "\0" }), 400, expect.any(String));
    const large = "x".repeat(1024 * 1024 + 1);
    await expectError(
      await request("POST", "/api/prompts/", { id, content: large }),
      413,
      expect.any(String),
    );
    const body = JSON.stringify({ id, content: "x".repeat(8 * 1024 * 1024) });
    await expectError(await request("POST", "/api/prompts/", body), 413, expect.any(String));
    expect(await getJson(`/api/prompts/check_exists/${id}`)).toMatchObject({ exists: false });
  });

  test.each(["PUT", "DELETE"])(
    "[OLD-9] %s is refused and changes nothing, when a client sends a condition that does not hold",
    async (method) => {
      const { id } = await createFragment("kept");
      const body = method === "DELETE" ? undefined : { content: "new" };
      for (const [headers, status] of [
        [{ "If-Match": '"2"' }, 412],
        [{ "If-None-Match": "*" }, 412],
        [{ "If-Match": "1" }, 400],
      ] as const)
        await expectError(
          await request(method, `/api/prompts/${id}`, body, headers),
          status,
          expect.any(String),
        );
      expect(await readFragment(id)).toMatchObject({ content: "kept", version: 1 });
    },
  );

  test("[OLD-14] the answer is 405 with what is allowed, when the method is another", async () => {
    for (const [method, path, allow] of [
      ["PATCH", "/api/prompts/x", "GET, PUT, DELETE"],
      ["POST", "/api/prompts/x/", "GET, PUT, DELETE"],
      ["POST", "/api/prompts/all", "GET, PUT, DELETE"],
      ["POST", "/api/prompts/check_exists/x", "GET, PUT, DELETE"],
      ["PATCH", "/api/prompts/expand", "GET, POST, PUT, DELETE"],
      ["PATCH", "/api/prompts/fragments/expand/", "GET, POST, PUT, DELETE"],
      ["POST", "/api/prompts/ws/x", "GET, PUT, DELETE"],
      ["PUT", "/api/prompts/", "GET, POST"],
      ["DELETE", "/api/prompts/fragments", "GET, POST"],
    ] as const) {
      const answer = await request(method, path, {});
      expect(answer.headers.get("Allow")).toBe(allow);
      await expectError(answer, 405, "Method Not Allowed");
    }
  });

  test("[OLD-14] an outage is a 5xx with a detail, when a fragment cannot be asked", async () => {
    const { id } = await createFragment("there");
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const answers: Response[] = [];
    vi.spyOn(env.FRAGMENT, "getByName").mockImplementation(() => {
      throw new Error("out of reach");
    });
    for (const path of [id, `${id}/render`, `check_exists/${id}`, "all"])
      answers.push(await request("GET", `/api/prompts/${path}`));
    for (const answer of answers) await expectError(answer, 500, expect.any(String));
  });

  test("[OLD-14] pages that may call may read errors too", async () => {
    const headers = { Origin: "http://localhost:5173", "Access-Control-Request-Method": "PUT" };
    for (const path of [
      "/api/prompts",
      "/api/prompts/",
      "/api/prompts/x",
      "/api/prompts/fragments/x/render",
    ]) {
      const asked = await request("OPTIONS", path, undefined, headers);
      expect(asked.status).toBe(204);
      expect(asked.headers.get("Access-Control-Allow-Methods")).toContain("PUT");
      const answer = await request("GET", path, undefined, headers);
      expect(answer.headers.get("Access-Control-Allow-Origin")).toBe(headers.Origin);
      await answer.body?.cancel();
    }
  });
});

describe("names", () => {
  test("[OLD-15] fixed names and suffixes win, when fragments have ids like them", async () => {
    const fixed = ["all", "search_suggestions", "fragments"];
    const free = ["expand", "render", "referenced_by", "check_exists"];
    const nested = ["x", "x/render", "x/referenced_by", "check_exists/x", "fragments/x"];
    for (const id of [...fixed, ...free, ...nested]) await createFragment(`of ${id}`, { id });
    const old = (path: string) => getJson<{ id?: string; rendered?: string }>(`/api/prompts/${path}`);
    expect(await old("all")).toBeInstanceOf(Array);
    expect(await old("search_suggestions")).toBeInstanceOf(Array);
    expect(await old("fragments")).toBeInstanceOf(Array);
    expect(await old("x/render")).toMatchObject({ rendered: "of x" });
    expect(await old("x/referenced_by")).toEqual([]);
    expect(await old("check_exists/x")).toEqual({ exists: true, id: "x" });
    expect(await old("fragments/x")).toMatchObject({ id: "x" });
    for (const id of free) expect(await old(id)).toMatchObject({ id });
    expect(await old("x%2Frender")).toMatchObject({ id: "x/render" });
    expect(await old("x%2Freferenced_by")).toMatchObject({ id: "x/referenced_by" });
    expect(await old("x%2Frender/render")).toMatchObject({ id: "x/render", rendered: "of x/render" });
    expect(await old("check_exists%2Fx")).toMatchObject({ id: "check_exists/x" });
    expect(await old("fragments%2Fx")).toMatchObject({ id: "fragments/x" });
    expect(await old("fragments/fragments/x")).toMatchObject({ id: "fragments/x" });
  });

  test("[OLD-15] an address is not found, when letters before the id are escaped", async () => {
    await createFragment("kept", { id: "kept" });
    for (const path of ["/%61pi/prompts/kept", "/api/%70rompts/kept"])
      expect((await request("DELETE", path)).status).toBe(404);
    expect(await readFragment("kept")).toMatchObject({ version: 1 });
    // An escaped letter makes an id of a fixed name.
    expect(await getJson("/api/prompts/%61ll")).toMatchObject({ id: "all" });
  });

  test.each(["/api/prompts/ws/x", "/api/prompts/ws/fragments/x", "/ws/prompts/x"])(
    "[OLD-15] the socket's address wins, when it is asked without an upgrade: %s",
    async (path) => {
      expect((await request("GET", path)).status).toBe(426);
    },
  );
});

test("[OLD-12] a list stores nothing, when ids that do not exist are asked for", async () => {
  const id = freshId();
  for (const path of [id, `check_exists/${id}`, `${id}/render`, `${id}/referenced_by`])
    await (await request("GET", `/api/prompts/${path}`)).body?.cancel();
  const tables = await runInDurableObject(objectOf(id), (_, { storage }) =>
    storage.sql.exec("SELECT name FROM sqlite_master").toArray(),
  );
  expect(tables).toEqual([]);
});
