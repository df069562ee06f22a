/** Fragments and expansions over REST, through the worker's front door. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { FRAGMENT_ID_RULE } from "../../src/language/fragment-id.ts";
import {
  connectJson,
  connectYjs,
  createFragment,
  type FragmentBody,
  freshId,
  joinJson,
  joinYjs,
  objectOf,
  readFragment,
  request,
} from "./connect.ts";

const MIB = 1024 * 1024;

afterEach(() => {
  vi.restoreAllMocks();
});

describe("ids", () => {
  test.each([
    ["%2F and a plain /", "Way/to it", "Way%2Fto%20it", "Way/to_it"],
    ["NFC and NFD", "Caf\u00e9", "Cafe\u0301", "Caf\u00e9"],
    ["a space and _", "two words", "two_words", "two_words"],
  ])(
    "[FRAG-1] two spellings name one fragment, when they differ in %s",
    async (_, made, asked, canonical) => {
      const created = await request("POST", "/v1/fragments", { id: made, content: "here" });
      expect(created.status).toBe(201);
      expect(await created.json()).toMatchObject({ id: canonical });
      expect(await readFragment(asked)).toMatchObject({ id: canonical, content: "here" });
      const client = await connectJson(asked);
      expect(await client.next("initial")).toMatchObject({ id: canonical });
      const yjs = await joinYjs(asked);
      expect(yjs.text).toBe("here");
      const expansion = await request("GET", `/v1/expansions/${asked}`);
      expect(await expansion.json()).toMatchObject({ expanded: "here" });
    },
  );

  test("[FRAG-1] an address is not found, when letters before the id are escaped", async () => {
    for (const id of ["s/here", "here"]) await createFragment("kept", { id });
    for (const path of ["/v1/%66ragments/here", "/v1/e%78pansions/here", "/%761/ws/here"])
      expect((await request("GET", path)).status).toBe(404);
    expect((await request("DELETE", "/v1/%66ragments/here")).status).toBe(404);
    for (const id of ["s/here", "here"]) expect(await readFragment(id)).toMatchObject({ version: 1 });
  });

  const bad: readonly [what: string, id: string][] = [
    ["too many segments", "a/b/c/d/e/f/g/h/i"],
    ["an empty segment", "a//b"],
    ["a slash at its end", "a/"],
    ["a dot at an end", "a./b"],
    ["a hyphen first", "-a"],
    ["more than 200 bytes", "é".repeat(101)],
    ["a control character", "a\u0007b"],
    ["a zero-width character", "a\u200bb"],
    ["a bidi character", "a\u202eb"],
    ["another character", "a?b"],
  ];

  test.each(bad)("[FRAG-2] the answer is 400 with the rule, when an id has %s", async (_, id) => {
    const path = encodeURIComponent(id);
    const answers = [
      await request("GET", `/v1/fragments/${path}`),
      await request("PUT", `/v1/fragments/${path}`, { content: "" }),
      await request("PATCH", `/v1/fragments/${path}`, {}),
      await request("DELETE", `/v1/fragments/${path}`),
      await request("POST", "/v1/fragments", { id }),
      await request("GET", `/v1/expansions/${path}`),
      await request("POST", "/v1/expand", { id, content: "" }),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(400);
      const problem = await answer.json<{ code: string; detail: string }>();
      expect(problem.code).toBe("invalid_id");
      expect(problem.detail).toContain(FRAGMENT_ID_RULE);
    }
  });

  test.each(bad)("[FRAG-2] a socket is accepted and closed, when its id has %s", async (_, id) => {
    const path = encodeURIComponent(id);
    const json = await (await connectJson(path)).closed();
    const yjs = await (await connectYjs(path)).closed();
    expect([json.code, yjs.code]).toEqual([4400, 4400]);
    expect(json.reason).not.toBe("");
  });
});

describe("content and metadata", () => {
  test.each([
    ["nothing", ""],
    ["emoji", "👩‍👩‍👧 🏳️‍🌈 😀"],
    ["right-to-left text", "שלום \u200fعالم\u202e"],
    ["space at the ends", "  \t x \n\n "],
    ["control characters", "\u0001\u0008\u000b\u001b[0m\u007f\u0085\u2028\ufeff"],
    ["a byte order mark", "\ufefftext"],
    ["combining marks as they are", "e\u0301 é"],
    ["a lone CR", "a\rb"],
    ["CRLF throughout", "a\r\nb\r\n"],
    ["JSON and markup", '{"a":"\\u0041"}</script>&amp;'],
    ["noncharacters", "\uffff\ufffe\u{10ffff}"],
  ])("[FRAG-3] a content comes back as it went in, when it has %s", async (_, content) => {
    const { id } = await createFragment(content);
    const { size } = await readFragment(id);
    expect((await readFragment(id)).content).toBe(content);
    expect(size).toBe(new TextEncoder().encode(content).length);
    await evictDurableObject(objectOf(id));
    expect((await readFragment(id)).content).toBe(content);
  });

  test("[FRAG-4] a content gets LF throughout, when its line ends were mixed", async () => {
    const { id, eol } = await createFragment("a\r\nb\nc");
    expect(eol).toBe("lf");
    expect((await readFragment(id)).content).toBe("a\nb\nc");
  });

  test("[FRAG-4] Yjs peers see LF and REST sees CRLF, when a content came with CRLF throughout", async () => {
    const { id, eol } = await createFragment("a\r\nb");
    expect(eol).toBe("crlf");
    const yjs = await joinYjs(id);
    expect(yjs.text).toBe("a\nb");
    await yjs.typeSaved((text) => text.insert(3, "\nc"));
    expect((await readFragment(id)).content).toBe("a\r\nb\r\nc");
  });

  test("[FRAG-4] the CR goes, when a Yjs peer types a CRLF", async () => {
    const { id } = await createFragment("a");
    const yjs = await joinYjs(id);
    await yjs.typeSaved((text) => text.insert(1, "\r\nb"));
    expect((await readFragment(id)).content).toBe("a\nb");
    await yjs.sync();
    expect(yjs.text).toBe("a\nb");
  });

  test.each([
    ["NUL", "a\0"],
    ["a lone surrogate", "\ud83d"],
  ])("[FRAG-5] a content is refused and nothing changes, when it has %s", async (_, content) => {
    const { id } = await createFragment("kept");
    const answers = [
      await request("PUT", `/v1/fragments/${id}`, { content }),
      await request("PATCH", `/v1/fragments/${id}`, { content }),
      await request("PATCH", `/v1/fragments/${id}`, { edits: [{ old: "kept", new: content }] }),
      await request("POST", "/v1/fragments", { id: freshId(), content }),
      await request("POST", "/v1/expand", { content }),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ code: "invalid_content" });
    }
    expect(await readFragment(id)).toMatchObject({ content: "kept", version: 1 });
  });

  test.each([
    ["its first half", "\ud83d"],
    ["its second half", "\ude00"],
    ["what is before it and its first half", "a\ud83d"],
    ["its second half and what is behind it", "\ude00b"],
  ])(
    "[FRAG-5] an edit is refused and nothing changes, when it would replace of an emoji %s",
    async (_, old) => {
      const { id } = await createFragment("a\u{1f600}b");
      const answer = await request("PATCH", `/v1/fragments/${id}`, { edits: [{ old, new: "x" }] });
      const { code, detail } = await answer.json<{ code?: string; detail?: string }>();
      expect([answer.status, code]).toEqual([400, "invalid_content"]);
      expect(detail).toContain("edits.0.old");
      expect(await readFragment(id)).toMatchObject({ content: "a\u{1f600}b", version: 1 });
    },
  );

  test("[FRAG-5] two emoji that share a half stay whole, when both are put in place of a third", async () => {
    const { id } = await createFragment("a\u{1f600}b");
    const write = (method: string, content: string) =>
      request(method, `/v1/fragments/${id}`, { content, base_version: 1 });
    await write("PUT", "a\u{1f601}b");
    await write("PATCH", "a\u{1fa00}b");
    const { content } = await readFragment(id);
    expect(content.isWellFormed()).toBe(true);
    expect([...content].sort()).toEqual(["a", "b", "\u{1f601}", "\u{1fa00}"]);
  });

  const half = "\ud83d";
  const path = "/v1/fragments/kept";
  test.each<[what: string, method: string, path: string, body: object, status: number]>([
    ["a description", "PUT", path, { content: "", description: half }, 400],
    ["a tag", "PATCH", path, { tags: [half] }, 400],
    ["a new fragment's tag", "POST", "/v1/fragments", { id: "a", tags: [half] }, 400],
    ["an id", "POST", "/v1/fragments", { id: half }, 400],
    ["an id in the address", "PUT", "/v1/fragments/%ED%A0%BD", { content: "" }, 400],
    ["a new name", "POST", "/v1/renames", { from: "kept", to: half }, 400],
    ["a text to expand", "POST", "/v1/expand", { content: half }, 400],
    ["the id of a text to expand", "POST", "/v1/expand", { content: "", id: half }, 400],
    ["an old client's text", "PUT", "/api/prompts/kept", { content: half }, 400],
    ["an old client's new text", "POST", "/api/prompts", { id: "a", content: half }, 400],
    ["an old client's description", "PUT", "/api/prompts/kept", { description: half }, 422],
    ["an old client's tag", "PUT", "/api/prompts/kept", { tags: [half] }, 422],
    ["an old client's id", "POST", "/api/prompts", { id: half }, 400],
    ["an old client's text to expand", "POST", "/api/prompts/expand", { content: half }, 400],
    ["an old client's id to expand", "POST", "/api/prompts/expand", { prompt_id: half }, 400],
  ])("[FRAG-5] half of a character is refused and nothing changes, when it is %s", async (...asked) => {
    const [, method, path, body, status] = asked;
    await request("PUT", "/v1/fragments/kept", { content: "" });
    const before = await readFragment("kept");
    const answer = await request(method, path, body);
    await answer.body?.cancel();
    expect(answer.status).toBe(status);
    expect(await readFragment("kept")).toEqual(before);
    expect((await request("GET", "/v1/fragments/a")).status).toBe(404);
  });

  test("[FRAG-6] a content of 1 MiB is taken and a byte more refused with 413, when it is counted in UTF-8", async () => {
    const { id } = await createFragment("é".repeat(MIB / 2));
    expect((await readFragment(id)).size).toBe(MIB);
    for (const [method, path, body] of [
      ["PUT", `/v1/fragments/${id}`, { content: `${"é".repeat(MIB / 2)}x` }],
      ["PATCH", `/v1/fragments/${id}`, { content: "x".repeat(MIB + 1) }],
      ["POST", "/v1/fragments", { id: freshId(), content: "x".repeat(MIB + 1) }],
      ["POST", "/v1/expand", { content: "x".repeat(MIB + 1) }],
    ] as const) {
      const answer = await request(method, path, body);
      expect(answer.status).toBe(413);
      expect(await answer.json()).toMatchObject({ code: "content_too_large" });
    }
    expect(await readFragment(id)).toMatchObject({ size: MIB, version: 1 });
  });

  test("[FRAG-6] a content of 1 MiB is taken, when every character of it is escaped", async () => {
    const content = "\u0001".repeat(MIB);
    const { id } = await createFragment(content);
    expect((await readFragment(id)).content === content).toBe(true);
  });

  test.each([
    ["65 tags", { tags: Array.from({ length: 65 }, (_, n) => `${n}`) }],
    ["a tag of 65 characters", { tags: ["t".repeat(65)] }],
    ["an empty tag", { tags: [""] }],
    ["a description of 2,001 characters", { description: "d".repeat(2_001) }],
    ["an unknown prompt_type", { prompt_type: "poem" }],
    ["tags that are no list", { tags: "a" }],
  ])("[FRAG-6] the answer is 400 and nothing changes, when a fragment has %s", async (_, fields) => {
    const { id } = await createFragment("kept");
    for (const method of ["PUT", "PATCH"]) {
      const answer = await request(method, `/v1/fragments/${id}`, { content: "new", ...fields });
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ code: "invalid_body" });
    }
    expect(await readFragment(id)).toMatchObject({ content: "kept", version: 1 });
  });

  test("[FRAG-6] a fragment may have 64 tags of 64 characters and a description of 2,000", async () => {
    const tags = Array.from({ length: 64 }, (_, n) => `${n}`.padStart(64, "t"));
    const { id } = await createFragment("", { tags, description: "d".repeat(2_000) });
    expect(await readFragment(id)).toMatchObject({ tags, description: "d".repeat(2_000) });
  });
});

describe("create, read, replace, change, delete", () => {
  test("[REST-1] the answer is 201 with Location, ETag and the fragment, when a fragment is made", async () => {
    const id = `${freshId()}/ä b`;
    const answer = await request("POST", "/v1/fragments", { id, content: "text", tags: ["a"] });
    expect(answer.status).toBe(201);
    expect(answer.headers.get("ETag")).toBe('"1"');
    const body = await answer.json<FragmentBody>();
    expect(body).toEqual({
      id: id.replace(" ", "_"),
      content: "text",
      description: "",
      tags: ["a"],
      prompt_type: "standard",
      eol: "lf",
      created_at: body.updated_at,
      updated_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00$/),
      version: 1,
      size: 4,
    });
    const there = await request("GET", answer.headers.get("Location") ?? "");
    expect(await there.json()).toEqual(body);
  });

  test("[REST-1] the answer is 409 and nothing changes, when the fragment exists", async () => {
    const { id } = await createFragment("first");
    const answer = await request("POST", "/v1/fragments", { id, content: "second" });
    expect(answer.status).toBe(409);
    expect(await answer.json()).toMatchObject({ code: "already_exists" });
    expect(await readFragment(id)).toMatchObject({ content: "first", version: 1 });
  });

  test("[REST-1] one is made and one refused, when two make the same at once", async () => {
    const id = freshId();
    const answers = await Promise.all(
      ["a", "b"].map((content) => request("POST", "/v1/fragments", { id, content })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
  });

  test("[REST-2] a fragment is read with its ETag, when it exists", async () => {
    const { id } = await createFragment("text");
    const answer = await request("GET", `/v1/fragments/${id}`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("ETag")).toBe('"1"');
    expect(answer.headers.get("Content-Type")).toContain("application/json");
  });

  test.each(["GET", "PATCH", "DELETE"])(
    "[REST-2] %s answers 404, when the fragment does not exist",
    async (method) => {
      const body = method === "PATCH" ? {} : undefined;
      const answer = await request(method, `/v1/fragments/${freshId()}`, body);
      expect(answer.status).toBe(404);
      expect(await answer.json()).toMatchObject({ code: "not_found" });
    },
  );

  test("[REST-3] PUT makes a fragment with 201 and replaces it with 200, when it is sent twice", async () => {
    const path = `/v1/fragments/${freshId()}`;
    const first = await request("PUT", path, { content: "one", description: "d", tags: ["t"] });
    expect([first.status, first.headers.get("ETag"), first.headers.get("Location")]).toEqual([
      201,
      '"1"',
      path,
    ]);
    const second = await request("PUT", path, { content: "two", tags: null });
    expect([second.status, second.headers.get("ETag")]).toEqual([200, '"2"']);
    expect(await second.json()).toMatchObject({ content: "two", description: "d", tags: ["t"], version: 2 });
  });

  test("[REST-4] PATCH changes what is named and keeps the rest, when fields are absent or null", async () => {
    const { id, created_at } = await createFragment("text", { description: "d", tags: ["t"] });
    const answer = await request("PATCH", `/v1/fragments/${id}`, {
      content: null,
      tags: [],
      prompt_type: "user",
    });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({
      content: "text",
      description: "d",
      tags: [],
      prompt_type: "user",
      created_at,
      version: 2,
    });
  });

  test("[REST-4] the version stays, when a PATCH changes nothing", async () => {
    const { id } = await createFragment("text", { tags: ["t"] });
    const unwritten = { description: "", prompt_type: "standard" };
    const answer = await request("PATCH", `/v1/fragments/${id}`, {
      content: "text",
      tags: ["t"],
      ...unwritten,
    });
    expect(await answer.json()).toMatchObject({ version: 1 });
  });

  test("[REST-5] edits are made in order, when each old text stands once", async () => {
    const { id } = await createFragment("one two");
    const edits = [
      { old: "one", new: "three" },
      { old: "three two", new: "$& done" },
    ];
    await request("PATCH", `/v1/fragments/${id}`, { edits, description: "d" });
    expect(await readFragment(id)).toMatchObject({ content: "$& done", description: "d", version: 2 });
  });

  test.each([
    ["nowhere", "b", "0 times"],
    ["twice, overlapping", "aa", "2 times"],
  ])(
    "[REST-5] the answer is 409 with the count and nothing changes, when an old text stands %s",
    async (_, old, count) => {
      const { id } = await createFragment("aaa");
      const edits = [
        { old: "aaa", new: "aaa" },
        { old, new: "x" },
      ];
      const answer = await request("PATCH", `/v1/fragments/${id}`, { edits, description: "d" });
      expect(answer.status).toBe(409);
      const problem = await answer.json<{ code: string; detail: string }>();
      expect(problem.code).toBe("no_single_match");
      expect(problem.detail).toContain(count);
      expect(await readFragment(id)).toMatchObject({ content: "aaa", description: "", version: 1 });
    },
  );

  test("[REST-5] edits match over line ends, when the text has CRLF", async () => {
    const { id } = await createFragment("one\r\ntwo\r\n");
    const answer = await request("PATCH", `/v1/fragments/${id}`, {
      edits: [{ old: "one\r\ntwo", new: "1\r\n2" }],
    });
    expect(await answer.json()).toMatchObject({ content: "1\r\n2\r\n" });
  });

  test("[REST-5] typing inside `old` keeps its place, when the edit changes another word", async () => {
    const { id } = await createFragment("1. Greet the user.\n2. Ask for the name.\n");
    const yjs = await joinYjs(id);
    await yjs.next("step1"); // its answer would bring along what is typed now
    const typed = yjs.edit((text) => text.insert("1. Greet the ".length, "new "));
    const old = "1. Greet the user.\n2. Ask for the name.";
    const edits = [{ old, new: old.replace("name", "full name") }];
    const answer = await request("PATCH", `/v1/fragments/${id}`, { edits });
    expect(await answer.json()).toMatchObject({ version: 2 });
    yjs.push(1, typed);
    await yjs.saved(1);
    const content = "1. Greet the new user.\n2. Ask for the full name.\n";
    expect(await readFragment(id)).toMatchObject({ content });
  });

  test("[REST-5] the answer is 400, when content and edits are both sent", async () => {
    const { id } = await createFragment("a");
    const body = { content: "b", edits: [{ old: "a", new: "c" }] };
    expect((await request("PATCH", `/v1/fragments/${id}`, body)).status).toBe(400);
  });

  test("[REST-6] the answer is 204 and then 404, when a fragment is deleted", async () => {
    const { id } = await createFragment("text");
    const answer = await request("DELETE", `/v1/fragments/${id}`);
    expect([answer.status, await answer.text()]).toEqual([204, ""]);
    expect((await request("GET", `/v1/fragments/${id}`)).status).toBe(404);
    expect((await request("DELETE", `/v1/fragments/${id}`)).status).toBe(404);
  });
});

describe("conditional requests", () => {
  test.each(["PUT", "PATCH", "DELETE"])(
    "[REST-7] %s answers 412 and changes nothing, when If-Match names another version",
    async (method) => {
      const { id } = await createFragment("kept");
      const body = method === "DELETE" ? undefined : { content: "new" };
      for (const tag of ['"2"', 'W/"2"', '"01"', 'W/"01"', '"x"']) {
        const answer = await request(method, `/v1/fragments/${id}`, body, { "If-Match": tag });
        expect(answer.status).toBe(412);
        expect(await answer.json()).toMatchObject({ code: "version_mismatch" });
      }
      expect(await readFragment(id)).toMatchObject({ content: "kept", version: 1 });
    },
  );

  test.each(['"1"', '"7", "1"', "*"])("[REST-7] a write is made, when If-Match is %s", async (tag) => {
    const { id } = await createFragment("old");
    const answer = await request("PUT", `/v1/fragments/${id}`, { content: "new" }, { "If-Match": tag });
    expect(answer.status).toBe(200);
    expect((await readFragment(id)).content).toBe("new");
  });

  test.each(["PUT", "PATCH", "DELETE"])(
    "[REST-7] %s answers 412 and makes nothing, when it has If-Match and there is no fragment",
    async (method) => {
      const path = `/v1/fragments/${freshId()}`;
      const body = method === "DELETE" ? undefined : { content: "" };
      for (const tag of ['"1"', "*", '"x"']) {
        const answer = await request(method, path, body, { "If-Match": tag });
        expect([answer.status, await answer.json()]).toMatchObject([412, { code: "version_mismatch" }]);
      }
      expect((await request("GET", path)).status).toBe(404);
    },
  );

  test.each(["PUT", "PATCH", "DELETE"])(
    "[REST-7] %s answers 400 and changes nothing, when If-Match or If-None-Match is malformed",
    async (method) => {
      const { id } = await createFragment("kept");
      const body = method === "DELETE" ? undefined : { content: "new" };
      for (const name of ["If-Match", "If-None-Match"]) {
        for (const tags of [
          ",",
          "1",
          '"1',
          '1"',
          '"1" "2"',
          '"1""2"',
          '*, "1"',
          '"1", *',
          "W/1",
          'w/"1"',
          "**",
        ]) {
          const answer = await request(method, `/v1/fragments/${id}`, body, { [name]: tags });
          expect([tags, answer.status]).toEqual([tags, 400]);
          const { code, detail } = await answer.json<{ code: string; detail: string }>();
          expect([code, detail]).toEqual([
            "invalid_header",
            `${name}: must be \`*\`, or versions in quotes, such as "3".`,
          ]);
        }
      }
      expect(await readFragment(id)).toMatchObject({ content: "kept", version: 1 });
    },
  );

  test.each([' , "a,b" ,, "1",', '\t"1"\t', 'W/"9", "1"', 'W/"1"', '"9", W/"1"'])(
    "[REST-7] a write is made, when the list of If-Match is %j",
    async (tags) => {
      const { id } = await createFragment("old");
      const answer = await request("PATCH", `/v1/fragments/${id}`, { content: "new" }, { "If-Match": tags });
      expect([answer.status, await answer.json()]).toMatchObject([200, { content: "new" }]);
    },
  );

  test.each(["PUT", "PATCH", "DELETE"])(
    "[REST-17] %s answers 412 and changes nothing, when If-None-Match names what there is",
    async (method) => {
      const { id } = await createFragment("kept");
      const body = method === "DELETE" ? undefined : { content: "new" };
      for (const tags of ["*", '"1"', 'W/"1"', '"7", "1"']) {
        const answer = await request(method, `/v1/fragments/${id}`, body, { "If-None-Match": tags });
        expect([tags, answer.status, await answer.json()]).toMatchObject([
          tags,
          412,
          { code: "version_mismatch" },
        ]);
      }
      expect(await readFragment(id)).toMatchObject({ content: "kept", version: 1 });
    },
  );

  test("[REST-17] a write is made, when If-None-Match names other versions", async () => {
    const path = `/v1/fragments/${freshId()}`;
    const send = async (method: string, tags: string, body?: object) => {
      const answer = await request(method, path, body, { "If-None-Match": tags });
      await answer.body?.cancel();
      return answer.status;
    };
    expect(await send("PUT", '"1"', { content: "one" })).toBe(201);
    expect(await send("PUT", '"2", "3"', { content: "two" })).toBe(200);
    expect(await send("PATCH", '"1"', { content: "three" })).toBe(200);
    expect(await send("DELETE", '"1", "x"')).toBe(204);
    for (const method of ["PATCH", "DELETE"])
      expect(await send(method, "*", method === "PATCH" ? {} : undefined)).toBe(404);
  });

  test("[REST-7] one write wins and the others get 412, when ten come with the same If-Match", async () => {
    const { id } = await createFragment("start");
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        request("PUT", `/v1/fragments/${id}`, { content: `${n}` }, { "If-Match": '"1"' }),
      ),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([200, ...Array.from({ length: 9 }, () => 412)]);
    expect((await readFragment(id)).version).toBe(2);
  });

  test.each(['"1"', 'W/"1"', '"9", "1"', "*"])(
    "[REST-8] the answer is 304 without a body, when If-None-Match is %s",
    async (tag) => {
      const { id } = await createFragment("text");
      const answer = await request("GET", `/v1/fragments/${id}`, undefined, { "If-None-Match": tag });
      expect([answer.status, answer.headers.get("ETag"), await answer.text()]).toEqual([304, '"1"', ""]);
    },
  );

  test("[REST-8] the answer is 200, when If-None-Match names another version", async () => {
    const { id } = await createFragment("text");
    const answer = await request("GET", `/v1/fragments/${id}`, undefined, { "If-None-Match": '"2"' });
    expect(answer.status).toBe(200);
    await answer.body?.cancel();
  });
});

describe("writes on a base", () => {
  test.each(["PUT", "PATCH"])(
    "[REST-16] %s keeps both changes and answers with the merged text, when base_version is behind",
    async (method) => {
      const { id } = await createFragment("one two three");
      await request("PUT", `/v1/fragments/${id}`, { content: "1 two three" });
      const answer = await request(method, `/v1/fragments/${id}`, { content: "one two 3", base_version: 1 });
      expect([answer.status, answer.headers.get("ETag")]).toEqual([200, '"3"']);
      expect(await answer.json()).toMatchObject({ content: "1 two 3", version: 3 });
    },
  );

  test("[ROOM-9] a change is there once, when its request is sent again while others write", async () => {
    const { id } = await createFragment("Hello.\nBye.\n");
    const path = `/v1/fragments/${id}`;
    const bodies = {
      PUT: { content: "Hello, dear reader.\nBye.\n", base_version: 1 },
      PATCH: { edits: [{ old: "Hello.", new: "Hello, dear reader." }], base_version: 1 },
    };
    const editor = await joinYjs(id);
    await editor.typeSaved((text) => text.insert(0, "# "));
    await request("PUT", path, bodies.PUT);
    await editor.next("update");
    await editor.typeSaved((text) => text.insert(text.length, "P.S.\n"));
    const { version } = await readFragment(id);
    await request("PUT", path, bodies.PUT);
    await request("PATCH", path, bodies.PATCH);
    const socket = await joinJson(id);
    const again = { action: "update", content: bodies.PUT.content, base_version: 1, request_id: "1" };
    expect(await socket.request(again)).toMatchObject({ action: "update_status" });
    const content = "# Hello, dear reader.\nBye.\nP.S.\n";
    expect(await readFragment(id)).toMatchObject({ content, version: version + 1 });
  });

  test("[REST-16] the passages of edits are searched in the text of the base, when base_version is behind", async () => {
    const { id } = await createFragment("one two");
    await request("PUT", `/v1/fragments/${id}`, { content: "one two. Again two" });
    const body = { edits: [{ old: "two", new: "2" }], base_version: 1 };
    const answer = await request("PATCH", `/v1/fragments/${id}`, body);
    expect(await answer.json()).toMatchObject({ content: "one 2. Again two" });
  });

  test("[REST-16] the tags of both stay, when base_version is behind", async () => {
    const { id } = await createFragment("", { tags: ["a", "b"] });
    await request("PATCH", `/v1/fragments/${id}`, { tags: ["a", "b", "theirs"] });
    const answer = await request("PATCH", `/v1/fragments/${id}`, { tags: ["a", "mine"], base_version: 1 });
    const { tags } = await answer.json<FragmentBody>();
    expect([...tags].sort()).toEqual(["a", "mine", "theirs"]);
  });

  test.each([0, 2, 99])(
    "[REST-16] the answer is 409 with the current text and nothing changes, when base_version is %s of 1",
    async (base_version) => {
      const { id } = await createFragment("kept");
      for (const method of ["PUT", "PATCH"]) {
        const answer = await request(method, `/v1/fragments/${id}`, { content: "new", base_version });
        expect(answer.status).toBe(409);
        expect(await answer.json()).toMatchObject({ code: "stale_base", version: 1, content: "kept" });
      }
      expect(await readFragment(id)).toMatchObject({ content: "kept", version: 1 });
    },
  );

  test("[REST-16] the answer is 404 and nothing is made, when there is no fragment for the base_version", async () => {
    const path = `/v1/fragments/${freshId()}`;
    expect((await request("PUT", path, { content: "a", base_version: 1 })).status).toBe(404);
    expect((await request("GET", path)).status).toBe(404);
  });

  test("[REST-16] If-Match is tested first and the base is merged then, when a write has both", async () => {
    const { id } = await createFragment("one two");
    await request("PUT", `/v1/fragments/${id}`, { content: "1 two" });
    const put = (body: object, tag: string) =>
      request("PUT", `/v1/fragments/${id}`, body, { "If-Match": tag });
    expect((await put({ content: "one 2", base_version: 99 }, '"1"')).status).toBe(412);
    expect((await put({ content: "one 2", base_version: 99 }, '"2"')).status).toBe(409);
    const merged = await put({ content: "one 2", base_version: 1 }, '"2"');
    expect(await merged.json()).toMatchObject({ content: "1 2", version: 3 });
  });

  test.each([-1, 1.5, "1", true])(
    "[REST-16] the answer is 400, when base_version is %s",
    async (base_version) => {
      const { id } = await createFragment("kept");
      const answer = await request("PATCH", `/v1/fragments/${id}`, { content: "new", base_version });
      expect([answer.status, await answer.json()]).toMatchObject([400, { code: "invalid_body" }]);
    },
  );
});

describe("repeated requests", () => {
  const key = (value: string) => ({ "Idempotency-Key": value });

  test("[REST-18] a POST is answered again with the same 201 and made once, when its key comes again", async () => {
    const id = freshId();
    const body = { id, content: "a\r\nb\n", tags: ["t"] };
    const first = await request("POST", "/v1/fragments", body, key("k"));
    const made = await first.json();
    const second = await request("POST", "/v1/fragments", body, key("k"));
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(await second.json()).toEqual(made);
    for (const name of ["ETag", "Location"]) expect(second.headers.get(name)).toBe(first.headers.get(name));
    expect(await readFragment(id)).toEqual(made);
  });

  test("[REST-18] a PUT is answered again with 201 where it made the fragment and with 200 where not, when its key comes again", async () => {
    const path = `/v1/fragments/${freshId()}`;
    const put = (content: string, value: string) => request("PUT", path, { content }, key(value));
    const answers = [await put("made", "k"), await put("replaced", "l")];
    await evictDurableObject(objectOf(path.slice("/v1/fragments/".length)));
    const again = [await put("made", "k"), await put("replaced", "l")];
    expect(again.map(({ status }) => status)).toEqual([201, 200]);
    for (const [n, first] of answers.entries()) {
      for (const name of ["ETag", "Location"])
        expect(again[n]?.headers.get(name)).toBe(first.headers.get(name));
      expect(await again[n]?.json()).toEqual(await first.json());
    }
  });

  test("[REST-18] a PUT that made the fragment is answered with 201 again, when it makes it in a later life too", async () => {
    const path = `/v1/fragments/${freshId()}`;
    const put = () => request("PUT", path, { content: "text" }, key("k"));
    await put();
    await request("DELETE", path);
    const statuses = [(await put()).status, (await put()).status];
    expect(statuses).toEqual([201, 201]);
    expect(await (await request("GET", path)).json()).toMatchObject({ version: 3 });
  });

  test("[REST-18] two fragments are made, when one key comes with two ids", async () => {
    const make = async (content: string) =>
      (await request("POST", "/v1/fragments", { id: freshId(), content }, key("k"))).status;
    expect([await make("a"), await make("b")]).toEqual([201, 201]);
  });

  test("[REST-18] the answer shows the fragment as it was made, when it was changed since and its object was restarted", async () => {
    const id = freshId();
    const body = { id, content: "made", description: "then" };
    const made = await (await request("POST", "/v1/fragments", body, key("k"))).json<FragmentBody>();
    await request("PATCH", `/v1/fragments/${id}`, { content: "changed", description: "now" });
    await evictDurableObject(objectOf(id));
    const again = await request("POST", "/v1/fragments", body, key("k"));
    expect([again.status, again.headers.get("ETag"), await again.json()]).toEqual([201, '"1"', made]);
    expect(await readFragment(id)).toMatchObject({ content: "changed", version: 2 });
  });

  test("[REST-18] one is made and both are answered alike, when the same request comes twice at once", async () => {
    const body = { id: freshId(), content: "text" };
    const send = () => request("POST", "/v1/fragments", body, key("k"));
    const [first, second] = await Promise.all([send(), send()]);
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(await first.json()).toEqual(await second.json());
  });

  test("[REST-18] the answer is 422 and nothing changes, when a key comes with another request", async () => {
    const id = freshId();
    await request("POST", "/v1/fragments", { id, content: "kept" }, key("k"));
    await evictDurableObject(objectOf(id));
    const others = [
      await request("POST", "/v1/fragments", { id, content: "other" }, key("k")),
      await request("PUT", `/v1/fragments/${id}`, { content: "kept" }, key("k")),
      await request("PATCH", `/v1/fragments/${id}`, {}, key("k")),
    ];
    for (const answer of others) {
      expect(answer.status).toBe(422);
      expect(await answer.json()).toMatchObject({ code: "idempotency_key_reused" });
    }
    expect(await readFragment(id)).toMatchObject({ content: "kept", version: 1 });
  });

  test("[REST-18] the answer is 409, when the fragment exists and the key is another one", async () => {
    const body = { id: freshId(), content: "text" };
    await request("POST", "/v1/fragments", body, key("k"));
    expect((await request("POST", "/v1/fragments", body, key("l"))).status).toBe(409);
  });

  test("[REST-18] an edit is made once and answered again, when PATCH repeats a key, with If-Match too", async () => {
    const { id } = await createFragment("a");
    const patch = () =>
      request(
        "PATCH",
        `/v1/fragments/${id}`,
        { edits: [{ old: "a", new: "aa" }] },
        { ...key("k"), "If-Match": '"1"' },
      );
    const first = await (await patch()).json();
    await request("PATCH", `/v1/fragments/${id}`, { content: "later" });
    const again = await patch();
    expect([again.status, await again.json()]).toEqual([200, first]);
    expect(await readFragment(id)).toMatchObject({ content: "later", version: 3 });
  });

  test("[REST-18] a fragment is made anew, when it was deleted since", async () => {
    const body = { id: freshId(), content: "text" };
    await request("POST", "/v1/fragments", body, key("k"));
    await request("DELETE", `/v1/fragments/${body.id}`);
    const again = await request("POST", "/v1/fragments", body, key("k"));
    expect([again.status, await again.json()]).toMatchObject([201, { version: 3 }]);
  });

  test.each(["", "k".repeat(129)])("[REST-18] the answer is 400, when the key is '%s'", async (value) => {
    const body = { id: freshId(), content: "text" };
    const answer = await request("POST", "/v1/fragments", body, key(value));
    expect([answer.status, await answer.json()]).toMatchObject([400, { code: "invalid_header" }]);
  });
});

describe("writes go through the room", () => {
  test("[REST-9] open editors keep their cursors, when REST changes a part of the text", async () => {
    const { id } = await createFragment("one two three");
    const yjs = await joinYjs(id);
    const before = yjs.doc.getText("content").toDelta();
    await request("PUT", `/v1/fragments/${id}`, { content: "one 2 three" });
    const { update } = await yjs.next("update");
    expect(before).toEqual([{ insert: "one two three" }]);
    expect(yjs.text).toBe("one 2 three");
    expect(update.length).toBeLessThan(60); // the difference, not the text
  });

  test("[REST-9] a read shows every edit before it, when a Yjs peer has just typed", async () => {
    const { id } = await createFragment("");
    const yjs = await joinYjs(id);
    for (let n = 0; n < 40; n++) yjs.sendUpdate(yjs.edit((text) => text.insert(text.length, "x")));
    await yjs.sync(); // the room has them, though not all are committed
    expect((await readFragment(id)).content).toBe("x".repeat(40));
  });
});

describe("errors", () => {
  test("[REST-10] an error is problem+json with code, detail and request id, when something is refused", async () => {
    const answer = await request("GET", `/v1/fragments/${freshId()}`);
    expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
    expect(await answer.json()).toEqual({
      type: "about:blank",
      title: "not found",
      status: 404,
      code: "not_found",
      detail: expect.stringContaining("not found"),
      request_id: expect.stringMatching(/./),
    });
  });

  test.each([
    ["no JSON", "{"],
    ["a list", "[]"],
    ["null", "null"],
    ["text", '"x"'],
    ["empty", ""],
  ])("[REST-10] the answer is 400, when a body is %s", async (_, body) => {
    const { id } = await createFragment("kept");
    for (const [method, path] of [
      ["POST", "/v1/fragments"],
      ["PUT", `/v1/fragments/${id}`],
      ["PATCH", `/v1/fragments/${id}`],
      ["POST", "/v1/expand"],
    ] as const) {
      const answer = await request(method, path, body);
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ code: "invalid_body" });
    }
    expect((await readFragment(id)).version).toBe(1);
  });

  test("[REST-10] the answer is 413, when a body is larger than 8 MiB", async () => {
    const body = `{"content":"${" ".repeat(8 * MIB)}"}`;
    const answer = await request("PUT", `/v1/fragments/${freshId()}`, body);
    expect(answer.status).toBe(413);
    expect(await answer.json()).toMatchObject({ code: "body_too_large" });
  });

  test("[REST-10] the answer is 404 as problem+json, when nothing is at an address", async () => {
    for (const path of ["/nowhere", "/v1", "/v1/fragment", "/docs/x", "/api/ws", "/api/ws/test/x"]) {
      for (const method of ["GET", "HEAD", "POST"]) {
        const answer = await request(method, path);
        expect([path, answer.status, answer.headers.get("Allow")]).toEqual([path, 404, null]);
        if (method !== "HEAD") expect(await answer.json()).toMatchObject({ code: "not_found" });
      }
    }
  });

  test.each([
    ["POST", "/v1/fragments/a", "GET, PUT, PATCH, DELETE"],
    ["PUT", "/v1/fragments", "GET, POST"],
    ["HEAD", "/v1/expand", "POST"],
    ["DELETE", "/v1/renames", "POST"],
    ["POST", "/v1/events", "GET"],
    ["POST", "/healthz", "GET"],
    ["PUT", "/openapi.json", "GET"],
    ["DELETE", "/asyncapi.json", "GET"],
    ["PATCH", "/docs", "GET"],
    ["POST", "/v1/ws/x", "GET"],
    ["POST", "/v1/sync/x/y", "GET"],
    ["POST", "/ws/prompts/x", "GET"],
    ["POST", "/api/ws/test", "GET"],
  ])("[REST-10] %s %s answers 405 with what is allowed", async (method, path, allow) => {
    const page = { Origin: "http://localhost:5173" };
    const answer = await request(method, path, undefined, page);
    expect([answer.status, answer.headers.get("Allow")]).toEqual([405, allow]);
    if (method !== "HEAD") expect(await answer.json()).toMatchObject({ code: "method_not_allowed" });
    if (path.startsWith("/v1")) expect(answer.headers.get("Access-Control-Allow-Origin")).toBe(page.Origin);
  });

  test("[REST-11] an outage is a 500 and never a 404, when a fragment's object fails", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const { id } = await createFragment("text");
    await runInDurableObject(objectOf(id), (_, state) => {
      state.storage.sql.exec("UPDATE update_log SET format = 99"); // as a newer release would have written it
    });
    await evictDurableObject(objectOf(id));
    const answers = [
      await request("GET", `/v1/fragments/${id}`),
      await request("GET", `/v1/expansions/${id}`),
      await request("POST", "/v1/expand", { content: `[[${id}]]` }),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(500);
      expect(await answer.json()).toMatchObject({ code: "internal_error", request_id: expect.any(String) });
    }
  });

  test.each(["/v1/ws/", "/v1/sync/", "/ws/prompts/", "/api/prompts/ws/", "/api/prompts/ws/fragments/"])(
    "[REST-12] the answer is 426, when %s is asked without Upgrade",
    async (path) => {
      const { id } = await createFragment("text");
      const answer = await request("GET", `${path}${id}`);
      expect([answer.status, answer.headers.get("Upgrade")]).toEqual([426, "websocket"]);
      expect(await answer.json()).toMatchObject({ code: "upgrade_required" });
    },
  );

  test("[REST-12] the echo answers 426, when it is asked without Upgrade", async () => {
    const answer = await request("GET", "/api/ws/test");
    expect(answer.status).toBe(426);
    await answer.body?.cancel();
  });

  test("[REST-13] /healthz answers, when the worker runs", async () => {
    const answer = await request("GET", "/healthz");
    expect([answer.status, await answer.json()]).toEqual([200, { status: "ok" }]);
  });

  test("[REST-13] a page that may call may read the ETag, when it asks with CORS", async () => {
    const page = { Origin: "http://localhost:5173" };
    const { id } = await createFragment("text");
    const answer = await request("GET", `/v1/fragments/${id}`, undefined, page);
    expect(answer.headers.get("Access-Control-Allow-Origin")).toBe(page.Origin);
    expect(answer.headers.get("Access-Control-Expose-Headers")).toContain("ETag");
    await answer.body?.cancel();
    const asking = { ...page, "Access-Control-Request-Method": "PATCH" };
    const preflight = await request("OPTIONS", `/v1/fragments/${id}`, undefined, asking);
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("Access-Control-Allow-Methods")).toContain("PATCH");
  });
});

describe("renames", () => {
  test("[REST-25] a fragment keeps its text and metadata under the new id, and its old one is gone", async () => {
    const { id } = await createFragment("line\r\nline\r\n", {
      tags: ["a"],
      description: "d",
      prompt_type: "user",
    });
    const to = freshId();
    const answer = await request("POST", "/v1/renames", { from: id, to });
    expect(answer.status).toBe(201);
    expect(answer.headers.get("Location")).toBe(`/v1/fragments/${to}`);
    expect(await readFragment(to)).toMatchObject({
      content: "line\r\nline\r\n",
      tags: ["a"],
      description: "d",
      prompt_type: "user",
      version: 1,
    });
    expect((await request("GET", `/v1/fragments/${id}`)).status).toBe(404);
  });

  test.each(["crlf", "lf"])(
    "[REST-25] line ends that are %s and the time of creation stay, when no line end stands in the text",
    async (eol) => {
      const { id, created_at } = await createFragment(eol === "crlf" ? "a\r\nb" : "a\nb");
      await request("PATCH", `/v1/fragments/${id}`, { content: "ab" });
      const to = freshId();
      await scheduler.wait(2); // created_at is in milliseconds
      const answer = await request("POST", "/v1/renames", { from: id, to });
      expect(await answer.json()).toMatchObject({ eol, created_at, content: "ab" });
      await evictDurableObject(objectOf(to));
      expect(await readFragment(to)).toMatchObject({ eol, created_at });
      const yjs = await joinYjs(to);
      await yjs.typeSaved((text) => text.insert(1, "\n"));
      expect((await readFragment(to)).content).toBe(eol === "crlf" ? "a\r\nb" : "a\nb");
    },
  );

  test("[REST-25] neither is changed, when the new id is taken", async () => {
    const [from, to] = [await createFragment("from"), await createFragment("to")];
    const answer = await request("POST", "/v1/renames", { from: from.id, to: to.id });
    expect(answer.status).toBe(409);
    expect((await readFragment(from.id)).content).toBe("from");
    expect((await readFragment(to.id)).content).toBe("to");
  });

  test("[REST-25] an edit during a rename is in the text that moves, or under the old id", async () => {
    const { id } = await createFragment("0");
    const to = freshId();
    const writes = Array.from({ length: 20 }, (_, n) =>
      request("PATCH", `/v1/fragments/${id}`, { edits: [{ old: "0", new: `0 w${n}` }] }),
    );
    const renamed = request("POST", "/v1/renames", { from: id, to });
    const answers = await Promise.all(writes);
    await renamed;
    const texts = await Promise.all(
      [id, to].map(async (one) => {
        const answer = await request("GET", `/v1/fragments/${one}`);
        return answer.status === 200 ? (await answer.json<{ content: string }>()).content : "";
      }),
    );
    for (const [n, { status }] of answers.entries())
      if (status === 200) expect(texts.join(" ").split(" ")).toContain(`w${n}`);
    expect(texts.filter((text) => text !== "")).toHaveLength(1);
  });

  describe("repeated", () => {
    const rename = (from: string, to: string, value = "k") =>
      request("POST", "/v1/renames", { from, to }, { "Idempotency-Key": value });

    test("[REST-25] a rename is answered again with the same 201 and made once, when its key comes again", async () => {
      const { id } = await createFragment("text", { tags: ["a"] });
      const to = freshId();
      const first = await rename(id, to);
      const made = await first.json();
      await request("PATCH", `/v1/fragments/${to}`, { content: "changed since" });
      await evictDurableObject(objectOf(to));
      const again = await rename(id, to);
      expect([again.status, again.headers.get("ETag"), again.headers.get("Location")]).toEqual([
        201,
        first.headers.get("ETag"),
        first.headers.get("Location"),
      ]);
      expect(await again.json()).toEqual(made);
      expect(await readFragment(to)).toMatchObject({ content: "changed since", version: 2 });
    });

    test("[REST-25] both are answered alike and the text is there once, when the same rename comes twice at once", async () => {
      for (let round = 0; round < 10; round++) {
        const { id } = await createFragment("text");
        const to = freshId();
        const answers = await Promise.all([rename(id, to), rename(id, to), rename(id, to)]);
        expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
        expect(await readFragment(to)).toMatchObject({ content: "text", version: 1 });
        expect((await request("GET", `/v1/fragments/${id}`)).status).toBe(404);
      }
    });

    test("[REST-25] the rename is finished with the newest text, when it was broken off between its two halves", async () => {
      const { id } = await createFragment("text");
      const to = freshId();
      await rename(id, to);
      // As a crash leaves them: both are there, and somebody goes on writing under the old id.
      await request("POST", "/v1/fragments", { id, content: "newer text" });
      expect((await rename(id, to)).status).toBe(201);
      expect(await readFragment(to)).toMatchObject({ content: "newer text" });
      expect((await request("GET", `/v1/fragments/${id}`)).status).toBe(404);
    });

    test("[REST-25] the answer is 404 and nothing is made, when there is nothing to rename", async () => {
      const [from, to] = [freshId(), freshId()];
      expect((await rename(from, to)).status).toBe(404);
      expect((await request("GET", `/v1/fragments/${to}`)).status).toBe(404);
      const other = await createFragment("other");
      expect((await rename(from, other.id)).status).toBe(404);
      expect(await readFragment(other.id)).toEqual(other);
    });
  });
});
