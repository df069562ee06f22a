import * as Y from "yjs";
import type { JsonRecord, Peer, YjsRecord } from "../../src/core/room/session.ts";
import type { ServerFrame } from "../../src/protocol/json-frames.ts";
import { encodePush, encodeSyncStep1, encodeSyncStep2, encodeUpdate } from "../../src/protocol/yjs-frames.ts";
import { MemoryUpdateLog } from "./memory-update-log.ts";
import { RoomHost } from "./room-host.ts";
import { ScriptedPeer } from "./scripted-peer.ts";
import { updateOf } from "./update-of.ts";
import { decodeServerFrame, type YjsServerFrame } from "./yjs-client.ts";

type Change = (text: Y.Text) => void;

/**
 * A room with one fragment and some editors, for tests that are told as events:
 *
 *     const room = new RoomScene("one two");
 *     const [ann, bob] = [room.old("ann"), room.json("bob")];
 *     bob.write("one 2", 1);
 *     ann.write("one two three"); // she has not read it yet
 *     room.rest();
 *     expect(room.text).toBe("one 2 three");
 */
export class RoomScene {
  /** Writes to the log and frames to editors, in order: `write`, `ann update`, `bob closed 4400`. */
  readonly events: string[] = [];
  readonly log = new MemoryUpdateLog(null, () => this.events.push("write"));
  readonly host = new RoomHost(this.log);
  #clients = 0;

  constructor(content = "text") {
    this.host.create(content);
    this.wait(60_000); // all that a creation costs is paid
    this.forget();
  }

  /** As committed. */
  get text(): string {
    return this.host.room.committed.content;
  }

  get revision(): number {
    return this.host.room.committed.revision;
  }

  json(name: string, options: Partial<JsonRecord> = {}): JsonEditor {
    return new JsonEditor(this.host, name, this.events, options);
  }

  /** A client of the old system, which names no bases. */
  old(name: string): JsonEditor {
    return this.json(name, { isOldClient: true });
  }

  /** In step with the room. */
  yjs(name: string, options: Partial<YjsRecord> = {}): YjsEditor {
    return new YjsEditor(this.host, name, this.events, 100 + ++this.#clients, options);
  }

  wait(ms: number): void {
    this.host.pass(ms);
  }

  /** Waits until nothing is pending. */
  rest(): void {
    this.host.passUntilIdle();
  }

  /** Frames that arrive in one turn, and so in one commit. */
  together(...frames: readonly (readonly [editor: JsonEditor, frame: object])[]): void {
    this.host.receiveTogether(...frames.map(([{ session }, frame]) => [session, frame] as const));
  }

  forget(): void {
    this.events.length = 0;
  }
}

export class JsonEditor {
  readonly peer = new ScriptedPeer();
  readonly session: ReturnType<RoomHost["joinJson"]>;
  readonly #host: RoomHost;

  constructor(host: RoomHost, name: string, events: string[], options: Partial<JsonRecord>) {
    this.#host = host;
    this.session = host.joinJson(noting(name, this.peer, events), options);
    this.peer.take();
  }

  send(frame: object): void {
    this.#host.receive(this.session, frame);
  }

  /** Sends the whole text. @param base the version that it is an edit of; old clients name none */
  write(content: string, base?: number): void {
    this.send({ action: "update", content, ...(base === undefined ? {} : { base_version: base }) });
  }

  leave(): void {
    this.#host.leave(this.session);
  }

  /** The frames since the last call. */
  told(): ServerFrame[] {
    return this.peer.takeJson();
  }
}

export class YjsEditor {
  readonly peer = new ScriptedPeer();
  readonly session: ReturnType<RoomHost["joinYjs"]>;
  readonly doc = new Y.Doc();
  readonly #host: RoomHost;

  constructor(host: RoomHost, name: string, events: string[], clientId: number, options: Partial<YjsRecord>) {
    this.#host = host;
    this.session = host.joinYjs(noting(name, this.peer, events), options);
    this.peer.take();
    this.doc.clientID = clientId;
    Y.applyUpdate(this.doc, host.room.snapshot());
  }

  send(frame: Uint8Array): void {
    this.#host.receive(this.session, frame);
  }

  /** Changes its document and sends nothing; returns the change as an update. */
  edit(change: Change): Uint8Array {
    return updateOf(this.doc, change);
  }

  /** At the start of the text. */
  type(text: string): void {
    this.send(encodeUpdate(this.edit((content) => content.insert(0, text))));
  }

  push(seq: number, what: Uint8Array | Change): void {
    this.send(encodePush(seq, typeof what === "function" ? this.edit(what) : what));
  }

  /** Syncs as a provider does that has reconnected: the room asks for what it lacks, and this is the answer. */
  supply(update: Uint8Array): void {
    this.send(encodeSyncStep1(Y.encodeStateVector(this.doc)));
    this.peer.take();
    this.send(encodeSyncStep2(update));
  }

  leave(): void {
    this.#host.leave(this.session);
  }

  /** The frames since the last call. */
  frames(): YjsServerFrame[] {
    return this.peer.takeBinary().map(decodeServerFrame);
  }

  /** Their kinds. */
  kinds(): string[] {
    return this.frames().map(({ kind }) => kind);
  }
}

function noting(name: string, peer: ScriptedPeer, events: string[]): Peer {
  return {
    send: (frame) => {
      const kind = typeof frame === "string" ? JSON.parse(frame).action : decodeServerFrame(frame).kind;
      events.push(`${name} ${kind}`);
      peer.send(frame);
    },
    close: (code, reason) => {
      events.push(`${name} closed ${code}`);
      peer.close(code, reason);
    },
    remember: (record) => peer.remember(record),
  };
}
