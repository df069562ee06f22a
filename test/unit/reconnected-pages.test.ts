/** Old pages that were cut off and come back, and pages that save over REST: they never name a version. */
import { describe, expect, test } from "vitest";
import { type JsonSession, openSession } from "../../src/core/room/session.ts";
import { forEachSeed } from "../support/for-each-seed.ts";
import { expectLinear } from "../support/growth.ts";
import { MemoryUpdateLog } from "../support/memory-update-log.ts";
import { RoomHost } from "../support/room-host.ts";
import { ScriptedPeer } from "../support/scripted-peer.ts";
import { SeededRandom } from "../support/seeded-random.ts";

/** Each stands for an insertion of its own; nobody takes one out. */
const TOKEN = /[\u4e00-\u9fff]/u;

const OLD = { isOldClient: true };

/** Two old pages on one fragment, of which the first is cut off while the second writes. */
class TwoPages {
  log = new MemoryUpdateLog(null);
  host = new RoomHost(this.log);
  first: JsonSession;
  second: JsonSession;
  #secondPeer = new ScriptedPeer();

  constructor(text: string) {
    this.host.create(text);
    this.first = this.host.joinJson(new ScriptedPeer(), OLD);
    this.second = this.#joinSecond();
    this.host.pass(1_000);
  }

  /**
   * A deployment cuts both, and takes the room's memory. A sleep takes the memory only: the first one's socket is cut
   * before the room wakes. Any other cut takes the first one's socket only.
   */
  cut(how: (typeof CUTS)[number]): void {
    if (how === "a close") this.host.leave(this.first);
    if (how === "a sleep of the room") this.#sleep();
    if (how !== "a deployment") return;
    this.host = new RoomHost(this.log, { nowMs: this.host.nowMs + 1_000 });
    this.second = this.#joinSecond();
  }

  comeBack(): void {
    this.first = this.host.joinJson(new ScriptedPeer(), OLD);
  }

  write(session: JsonSession, content: string): string {
    this.host.receive(session, { action: "update", content });
    this.host.pass(1_000);
    return this.content;
  }

  get content(): string {
    return this.host.room.committed.content;
  }

  #joinSecond(): JsonSession {
    this.#secondPeer = new ScriptedPeer();
    return this.host.joinJson(this.#secondPeer, OLD);
  }

  #sleep(): void {
    const record = this.#secondPeer.remembered;
    if (record?.protocol !== "json") throw new Error("the second page is not remembered");
    this.second = openSession(record, this.#secondPeer);
    const { nowMs } = this.host;
    // Another seed, so that no new session gets the id of the one that stayed.
    this.host = new RoomHost(this.log, { nowMs: nowMs + 1_000, seed: nowMs, sessions: [this.second] });
  }
}

const CUTS = ["a deployment", "a close", "a socket that seems open", "a sleep of the room"] as const;

describe("a page that was cut off while another wrote", () => {
  const scenes = [
    { shows: "Hello.", others: "Hello. How are you?", sends: "Hello.", becomes: "Hello. How are you?" },
    { shows: "Hello.", others: "Hello. Bye.", sends: "# Hello.", becomes: "# Hello. Bye." },
    { shows: "a b c", others: "a b b c", sends: "a b c d", becomes: "a b b c d" },
    { shows: "a c", others: "a b c", sends: "a x c", becomes: "a b x c" },
    { shows: "one two three", others: "one 2 three", sends: "one three", becomes: "one 2 three" },
    { shows: "", others: "foo", sends: "fo", becomes: "foo" },
    { shows: "one\ntwo\n", others: "one\ntwo\nthree\n", sends: "one\n", becomes: "one\nthree\n" },
    { shows: "a colour", others: "a colourful", sends: "a kolourful", becomes: "a kolourful" },
    {
      shows: "Hello.",
      others: "Hello. Bye.",
      sends: "Hello. How are you today, Ida?",
      becomes: "Hello. Bye. How are you today, Ida?",
    },
    {
      shows: "Hello.",
      others: "Hello. Bye.",
      sends: "Hello, how are you today, Ida?",
      becomes: "Hello, how are you today, Ida? Bye.",
    },
    { shows: "by", others: "by Nina", sends: "by Nora", becomes: "by Nina Nora" },
    {
      shows: "- a\n",
      others: "- a\n- be kind\n",
      sends: "- a\n- be brief\n",
      becomes: "- a\n- be kind\n- be brief\n",
    },
  ];
  const all = CUTS.flatMap((how) => scenes.map((scene) => ({ how, ...scene })));

  test.for(all)(
    "[ROOM-10] it keeps what the other wrote, when it sends $sends for $shows after $how",
    (scene) => {
      const pages = new TwoPages(scene.shows);
      pages.cut(scene.how);
      pages.write(pages.second, scene.others);
      pages.comeBack();
      expect(pages.write(pages.first, scene.sends)).toBe(scene.becomes);
    },
  );

  test.for(CUTS)(
    "[ROOM-10] it goes on from what it sent last, when that was merged and it has not heard, after %s",
    (how) => {
      const pages = new TwoPages("one two three");
      pages.host.receiveTogether(
        [pages.second, { action: "update", content: "one 2 three" }],
        [pages.first, { action: "update", content: "1 two three" }],
      );
      pages.host.pass(1_000);
      expect(pages.content).toBe("1 2 three");
      pages.cut(how);
      pages.comeBack();
      expect(pages.write(pages.first, "1 two three four")).toBe("1 2 three four");
    },
  );

  test.for(CUTS)(
    "[ROOM-10] it can take out what it has taken in, when it has sent something before, after %s",
    (how) => {
      const pages = new TwoPages("one");
      pages.cut(how);
      pages.write(pages.second, "one two");
      pages.comeBack();
      expect(pages.write(pages.first, "one two!")).toBe("one two!");
      expect(pages.write(pages.first, "one!")).toBe("one!");
    },
  );

  test("[ROOM-10] a page is told of the words that stay, when it deletes words that it may not have seen", () => {
    const pages = new TwoPages("one");
    pages.cut("a close");
    pages.write(pages.second, "one two");
    const peer = new ScriptedPeer();
    pages.first = pages.host.joinJson(peer, OLD);
    pages.write(pages.first, "one");
    expect(peer.takeJson().at(-1)).toMatchObject({ action: "update", content: "one two" });
  });

  test("[ROOM-10] a text that was there before can be written again, by a page that adds what is missing", () => {
    const pages = new TwoPages("one");
    pages.write(pages.second, "one two");
    pages.write(pages.second, "one");
    pages.cut("a close");
    pages.comeBack();
    expect(pages.write(pages.first, "one two")).toBe("one two");
  });

  test("[ROOM-10] what the other wrote stays on the new address too, when the text that comes is much like an earlier one", () => {
    const pages = new TwoPages("Be brief, and answer in whole sentences.");
    pages.cut("a close");
    pages.write(pages.second, "Be brief, be kind, and answer in whole sentences.");
    pages.first = pages.host.joinJson(new ScriptedPeer());
    const merged = pages.write(pages.first, "Be brief, and answer in whole sentences. Do not shout.");
    expect(merged).toBe("Be brief, be kind, and answer in whole sentences. Do not shout.");
    // It may be written again: such a client could have named its base.
    pages.host.leave(pages.first);
    pages.first = pages.host.joinJson(new ScriptedPeer());
    const again = "Be brief, and answer in whole sentences.";
    expect(pages.write(pages.first, again)).toBe(again);
  });

  test("[ROOM-10] a text replaces what its page was told, when it is like no earlier one", () => {
    const pages = new TwoPages("Test prompt for the address of old pages");
    pages.write(pages.second, "Updated test content at 1795844688.2152102");
    pages.comeBack();
    expect(pages.write(pages.first, "Client A update 1")).toBe("Client A update 1");
    pages.host.leave(pages.second);
    pages.second = pages.host.joinJson(new ScriptedPeer(), OLD);
    expect(pages.write(pages.second, "Write in short sentences.")).toBe("Write in short sentences.");
  });

  test("[ROOM-10] what the other wrote stays, when a page comes back with most of an earlier text rewritten", () => {
    const pages = new TwoPages("You are a helpful assistant.");
    pages.cut("a close");
    pages.write(pages.second, "You are a helpful assistant. Be brief.");
    pages.comeBack();
    const merged = pages.write(
      pages.first,
      "You are a translator. Answer in French, and keep all names and numbers as they are.",
    );
    expect(merged).toContain("Be brief.");
  });

  test("[ROOM-10] every edit of the other stays, whichever texts a page has taken in, and wherever both edit", () => {
    forEachSeed(400, [], (seed) => {
      const random = new SeededRandom(seed);
      const word = () => random.pick(["a", "b", "ab", " ", "the ", "\n", "- x\n", "😀"]);
      let tokens = 0;
      const edit = (text: string, takesOut: boolean) => {
        const characters = Array.from(text);
        const at = random.pick([0, characters.length >> 1, characters.length]);
        const isFree = !characters.slice(at, at + 2).some((one) => TOKEN.test(one));
        characters.splice(at, takesOut && isFree ? 2 : 0, String.fromCodePoint(0x4e00 + tokens++), word());
        return characters.join("");
      };
      const pages = new TwoPages(Array.from({ length: random.below(12) }, word).join(""));
      let shown = pages.content;
      const expected = new Set<string>();
      const note = (text: string) => {
        for (const character of text) if (TOKEN.test(character)) expected.add(character);
      };
      for (let round = 0; round < 4; round++) {
        // As long as it is connected, a page shows each text that it is told.
        if (shown === pages.content && random.chance(0.5)) {
          const sent = edit(shown, true);
          const merged = pages.write(pages.first, sent);
          note(sent);
          shown = random.chance(0.5) ? merged : sent;
        }
        pages.cut(random.pick(CUTS));
        for (let writes = random.below(4); writes > 0; writes--) {
          const sent = edit(pages.content, true);
          pages.write(pages.second, sent);
          note(sent);
        }
        pages.comeBack();
        if (random.chance(0.3)) shown = pages.content;
        const sent = random.chance(0.3) ? shown : edit(shown, true);
        note(sent);
        const merged = pages.write(pages.first, sent);
        for (const token of expected) expect(merged).toContain(token);
        shown = random.chance(0.5) ? merged : sent;
      }
    });
  });
});

describe("a program that connects for each write", () => {
  const reports: readonly [string, (run: number) => string][] = [
    ["a number", (run) => `Count: ${run}`],
    ["a report", (run) => `Status\n\nBuild ${run} passed.\nTests: ${run * 7} of ${run * 7}.\n`],
  ];
  for (const [what, report] of reports) {
    for (const isOldClient of [true, false]) {
      for (const restarts of [false, true]) {
        const where = `${isOldClient ? "an old path" : "/v1/ws"}${restarts ? ", and the server starts anew" : ""}`;
        test(`[ROOM-10] each text is ${what} as it was sent, when it comes over ${where}`, () => {
          let host = new RoomHost(new MemoryUpdateLog(null));
          host.create(report(40));
          for (let run = 41; run < 50; run++) {
            if (restarts) host = new RoomHost(host.log, { nowMs: host.nowMs + 1_000 });
            const session = host.joinJson(new ScriptedPeer(), { isOldClient });
            host.receive(session, { action: "update", content: report(run) });
            host.pass(1_000);
            host.leave(session);
            expect(host.room.committed.content).toBe(report(run));
          }
        });
      }
    }
  }
});

describe("three pages after a deployment", () => {
  test("[ROOM-10] every edit of the others stays, when all are back and some send two texts at once", () => {
    forEachSeed(200, [], (seed) => {
      const random = new SeededRandom(seed);
      const word = () => random.pick(["a", "b", "ab", " ", "the ", "\n", "- x\n", "😀"]);
      const expected = new Set<string>();
      const edit = (text: string) => {
        const characters = Array.from(text);
        const at = random.below(characters.length + 1);
        const isFree = !characters.slice(at, at + 2).some((one) => TOKEN.test(one));
        const token = String.fromCodePoint(0x4e00 + expected.size);
        expected.add(token);
        characters.splice(at, isFree && random.chance(0.5) ? 2 : 0, token, word());
        return characters.join("");
      };
      let host = new RoomHost(new MemoryUpdateLog(null));
      host.create(Array.from({ length: random.below(12) }, word).join(""));
      host.submit({ content: { kind: "text", text: `${host.room.committed.content}.` } });
      host.pass(1_000);
      const shown = ["", "", ""].map(() => host.room.committed.content);
      for (let round = 0; round < 5; round++) {
        host = new RoomHost(host.log, { nowMs: host.nowMs + 1_000 });
        const late: [session: JsonSession, frame: object][] = [];
        const sessions = shown.map(() => host.joinJson(new ScriptedPeer(), OLD));
        for (const page of [0, 1, 2].sort(() => random.below(3) - 1)) {
          const session = sessions[page];
          if (session === undefined) throw new Error(`there is no page ${page}`);
          const before = random.chance(0.3) ? host.room.committed.content : (shown[page] ?? "");
          const sent = [random.chance(0.5) ? before : edit(before)];
          if (random.chance(0.4)) sent.push(edit(sent[0] ?? ""));
          const frames = sent.map((content) => [session, { action: "update", content }] as const);
          if (random.chance(0.5)) {
            host.receiveTogether(...frames);
            host.pass(1_000);
          } else for (const [to, frame] of frames) late.push([to, frame]);
          shown[page] = sent.at(-1) ?? "";
        }
        if (late.length > 0) host.receiveTogether(...late);
        host.pass(1_000);
        const { content } = host.room.committed;
        for (const token of expected) expect(content).toContain(token);
        for (const page of [0, 1, 2]) if (random.chance(0.5)) shown[page] = content;
      }
    });
  });
});

describe("a page that was not cut off", () => {
  test("[ROOM-6] a page can delete words of a fragment that was deleted and created anew, after the server was started anew", () => {
    const log = new MemoryUpdateLog(null);
    const before = new RoomHost(log);
    before.create("an earlier life");
    before.turn((nowMs) => before.room.remove(null, "user:ann", nowMs));
    before.create("one two three");
    const host = new RoomHost(log, { nowMs: before.nowMs + 1_000 });
    const page = host.joinJson(new ScriptedPeer(), OLD);
    host.receive(page, { action: "update", content: "one three" });
    host.passUntilIdle();
    expect(host.room.committed.content).toBe("one three");
  });

  test("[ROOM-6] a page can delete words that it was told of, when nobody was here before it", () => {
    const host = new RoomHost(new MemoryUpdateLog(null));
    host.create("one");
    host.submit({ content: { kind: "text", text: "one two" } });
    host.passUntilIdle();
    const page = host.joinJson(new ScriptedPeer(), OLD);
    host.receive(page, { action: "update", content: "one" });
    host.passUntilIdle();
    expect(host.room.committed.content).toBe("one");
  });

  test("[ROOM-6] a page can delete its own words, when it was opened again and nobody else was here", () => {
    const host = new RoomHost(new MemoryUpdateLog(null));
    host.create("one");
    const page = host.joinJson(new ScriptedPeer(), OLD);
    host.receive(page, { action: "update", content: "one two" });
    host.pass(1_000);
    host.leave(page);
    const again = host.joinJson(new ScriptedPeer(), OLD);
    host.receive(again, { action: "update", content: "one" });
    host.passUntilIdle();
    expect(host.room.committed.content).toBe("one");
  });

  test("[ROOM-6] a page can delete words that the other page wrote since it came", () => {
    const host = new RoomHost(new MemoryUpdateLog(null));
    host.create("one two");
    const first = host.joinJson(new ScriptedPeer(), OLD);
    const second = host.joinJson(new ScriptedPeer(), OLD);
    host.receive(first, { action: "update", content: "one two three" });
    host.pass(1_000);
    host.receive(second, { action: "update", content: "one three" });
    host.passUntilIdle();
    expect(host.room.committed.content).toBe("one three");
  });
});

describe("pages that save over REST", () => {
  /** Old REST clients on one fragment: what they are given, and what they save. */
  class SavedPages {
    readonly log = new MemoryUpdateLog(null);
    host = new RoomHost(this.log);

    constructor(text: string) {
      this.host.create(text);
    }

    /** A page is opened. */
    open(): void {
      this.host.room.showToPage();
    }

    save(text: string): string {
      this.host.submit({ content: { kind: "text", text }, base: { kind: "page" } });
      this.host.pass(1_000);
      return this.host.room.committed.content;
    }

    restart(): void {
      this.host = new RoomHost(this.log, { nowMs: this.host.nowMs + 1_000 });
    }
  }

  test("[OLD-18] both changes stay, when two pages have read the same text", () => {
    const pages = new SavedPages("one two three");
    pages.open();
    pages.open();
    expect(pages.save("one two three four")).toBe("one two three four");
    expect(pages.save("zero one two three")).toBe("zero one two three four");
  });

  test("[OLD-18] all words stay whole, when three pages that have read the same text each add one", () => {
    const pages = new SavedPages("one\n");
    for (let page = 0; page < 3; page++) pages.open();
    pages.save("one\nsaid by Ada\n");
    pages.save("one\nsaid by Ida\n");
    expect(pages.save("one\nsaid by Eva\n")).toBe("one\nsaid by Ida Ada\nsaid by Eva\n");
  });

  test("[OLD-18] the other page's text stays, when a page saves the text that it read and did not change", () => {
    const pages = new SavedPages("one");
    pages.open();
    pages.open();
    pages.save("one two");
    expect(pages.save("one")).toBe("one two");
  });

  test("[OLD-18] the other page's text stays, when the new text is nearer to it", () => {
    const pages = new SavedPages("one two three");
    pages.open();
    pages.open();
    pages.save("one 2 three");
    expect(pages.save("one three")).toBe("one 2 three");
  });

  test("[OLD-18] an edit over a socket stays, when a page saves the text that it read before", () => {
    const pages = new SavedPages("one two");
    pages.open();
    const typist = pages.host.joinJson(new ScriptedPeer());
    pages.host.receive(typist, { action: "update", content: "one two three", base_version: 1 });
    expect(pages.save("1 two")).toBe("1 two three");
  });

  test.for([
    { what: "one after the other", texts: ["a", "ab", "ac", "a", "something else", "a"] },
    {
      what: "that grow and change at the end",
      texts: ["Hello", "Hello world", "Hello there", "Hello world"],
    },
  ])("[OLD-18] a program replaces its own texts, when it alone saves $what", ({ texts }) => {
    const pages = new SavedPages("first");
    for (const text of texts) expect(pages.save(text)).toBe(text);
    pages.open();
    for (const text of texts) expect(pages.save(text)).toBe(text);
  });

  test("[OLD-18] both changes stay, when the server was started anew between read and save", () => {
    const pages = new SavedPages("one two three");
    pages.open();
    pages.open();
    pages.save("one two three four");
    pages.restart();
    expect(pages.save("zero one two three")).toBe("zero one two three four");
  });

  test.for([
    { what: "goes back to what was there", texts: ["one two", "one two three"], saves: "one two" },
    { what: "is new from top to bottom", texts: ["one two", "three four"], saves: "Anything but that." },
  ])(
    "[OLD-18] a text replaces the other, when it $what after the server was started anew",
    ({ texts, saves }) => {
      const pages = new SavedPages("first");
      for (const text of texts) pages.save(text);
      pages.restart();
      expect(pages.save(saves)).toBe(saves);
    },
  );
});

describe("the search among earlier texts", () => {
  test("[ROOM-10] a text is found among thousands of earlier ones, when its page was away for minutes", () => {
    const host = new RoomHost(new MemoryUpdateLog(null));
    host.create("start\n");
    const other = host.joinJson(new ScriptedPeer(), OLD);
    let shown = "";
    for (let line = 0; line < 1_500; line++) {
      const { content } = host.room.committed;
      host.receive(other, { action: "update", content: `${content}line ${line}\n` });
      host.pass(250);
      if (line === 300) shown = host.room.committed.content;
    }
    const { content } = host.room.committed;
    const page = host.joinJson(new ScriptedPeer(), OLD);
    host.receive(page, { action: "update", content: `# ${shown}` });
    host.passUntilIdle();
    expect(host.room.committed.content).toBe(`# ${content}`);
  });

  test.for([
    {
      what: "each changes another place",
      edit: (content: string, n: number) => content.replace(`Rule ${n}:`, `Rule ${n} (kept):`),
    },
    {
      what: "one changes every line",
      edit: (content: string, n: number) =>
        n === 40 ? content.replaceAll("politely", "kindly") : `${content}line ${n}\n`,
    },
  ])(
    "[ROOM-10] the search takes time linear in the text, when of eighty edits since $what",
    async ({ edit }) => {
      await expectLinear(2 ** 17, (units) => {
        const line = (n: number) => `- Rule ${n}: answer politely.\n`;
        const text = Array.from({ length: Math.floor(units / 32) }, (_, n) => line(n)).join("");
        const host = new RoomHost(new MemoryUpdateLog(null));
        host.create(text);
        const other = host.joinJson(new ScriptedPeer(), OLD);
        let shown = text;
        for (let n = 0; n < 80; n++) {
          const { content, revision } = host.room.committed;
          host.receive(other, { action: "update", content: edit(content, n), base_version: revision });
          host.pass(300);
          if (n === 20) shown = host.room.committed.content;
        }
        const { content } = host.room.committed;
        const page = host.joinJson(new ScriptedPeer(), OLD);
        return () => {
          host.receive(page, { action: "update", content: `# ${shown}` });
          host.pass(1_000);
          expect(host.room.committed.content).toBe(`# ${content}`);
        };
      });
    },
  );
});
