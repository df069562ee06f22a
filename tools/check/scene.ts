import * as v from "valibot";
import type * as Y from "yjs";
import { type FragmentId, parseFragmentId } from "../../src/language/fragment-id.ts";
import { type Fragment, type Metadata, PROMPT_TYPES } from "../../src/protocol/fragment.ts";
import { describeIssues } from "../../src/protocol/issues.ts";
import { authorization } from "../access/credential.ts";
import { encodePath, fragmentPath } from "../server-url.ts";
import { Deadline } from "./deadline.ts";
import { CheckFailure, expectEqual, show } from "./expect.ts";
import { type FrameOf, JsonClient } from "./json-client.ts";
import { type Answer, type RequestOptions, Server, type SocketAddress } from "./server.ts";
import { StockClient } from "./stock-client.ts";
import { TextClient } from "./text-client.ts";
import { YjsClient, type YjsClientOptions } from "./yjs-client.ts";

/** A fragment as the server shows it. Further fields are ignored. */
const FragmentSchema = v.object({
  id: v.string(),
  content: v.string(),
  description: v.string(),
  tags: v.array(v.string()),
  prompt_type: v.picklist(PROMPT_TYPES),
  eol: v.picklist(["lf", "crlf"]),
  created_at: v.string(),
  updated_at: v.string(),
  version: v.number(),
  size: v.number(),
});

/** A JSON client that has joined, and its first frame. */
export type Joined = JsonClient & { readonly initial: FrameOf<"initial"> };

interface JoinOptions {
  /** With both slashes; the id follows. */
  readonly address?: string;
  readonly query?: string;
  /** Of the request that opens it. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * The fragments and clients of one check. Its fragments are in a folder that no other check uses. The scene remembers
 * every id that it gave out, so that its fragments can be deleted even after a failure.
 */
export class Scene {
  readonly server: Server;
  readonly deadline: Deadline;
  readonly ids: Set<FragmentId>;
  /** The folder of its fragments: that of the run, and a number. */
  readonly folder: string;
  readonly #clients: { drop(): void }[];
  readonly #people: string[];
  readonly #undo: ((deadline: Deadline) => Promise<unknown>)[];

  /** @param of the scene whose fragments and clients are this one's, too */
  constructor(server: Server, folder: string, deadline: Deadline, of: Scene | null = null) {
    this.server = server;
    this.folder = folder;
    this.deadline = deadline;
    this.ids = of?.ids ?? new Set();
    this.#clients = of === null ? [] : of.#clients;
    this.#people = of === null ? [] : of.#people;
    this.#undo = of === null ? [] : of.#undo;
  }

  /** The same scene for a caller with another key or token; null for one without. */
  as(credential: string | null): Scene {
    return new Scene(new Server(this.server.url, credential), this.folder, this.deadline, this);
  }

  /** Does this when the check is over, however it ends. */
  afterwards(undo: (deadline: Deadline) => Promise<unknown>): void {
    this.#undo.push(undo);
  }

  /** An id of this check's own, without a fragment yet. */
  id(name = "fragment", root = ""): FragmentId {
    const parsed = parseFragmentId(`${root}${this.folder}/${name}`);
    if (!parsed.ok) throw new Error(parsed.reason);
    this.ids.add(parsed.id);
    return parsed.id;
  }

  /** Makes a fragment. */
  async fragment(content: string, fields: Partial<Metadata> & { id?: FragmentId } = {}): Promise<FragmentId> {
    const { id = this.id(), ...metadata } = fields;
    const { status, body } = await this.request("PUT", fragmentPath(id), { body: { content, ...metadata } });
    if (status !== 201)
      throw new CheckFailure(`PUT of the new fragment ${id} was answered ${status} ${show(body)}`);
    return id;
  }

  request(method: string, path: string, options?: RequestOptions): Promise<Answer> {
    return this.server.request(this.deadline, method, path, options);
  }

  /** The fragment as REST shows it. */
  async read(id: FragmentId): Promise<Fragment> {
    const { status, body } = await this.request("GET", fragmentPath(id));
    if (status !== 200) throw new CheckFailure(`GET of ${id} was answered ${status} ${show(body)}`);
    const parsed = v.safeParse(FragmentSchema, body);
    if (parsed.success) return parsed.output;
    throw new CheckFailure(`GET of ${id}: ${describeIssues(parsed.issues)}; got ${show(body)}`);
  }

  /** Expects this text in REST. */
  async expectStored(id: FragmentId, content: string): Promise<void> {
    expectEqual("the stored text", (await this.read(id)).content, content);
  }

  /** An open JSON socket. Its first frame says whether the client was let in. */
  async json(
    id: string,
    name: string,
    { address = "/v1/ws/", query = "", headers = {} }: JoinOptions = {},
  ): Promise<JsonClient> {
    const socket = this.#socket(`${address}${id}${query}`, name, headers);
    return this.#use(await JsonClient.open(socket, name, this.deadline));
  }

  /** A JSON client that has received its `initial`. */
  async join(id: FragmentId, name: string, options: JoinOptions = {}): Promise<Joined> {
    const client = await this.json(encodePath(id), name, options);
    return Object.assign(client, { initial: await client.next("initial") });
  }

  /** An open Yjs client, with our subprotocol unless the options say otherwise. */
  async yjs(id: FragmentId, name: string, options: Partial<YjsClientOptions> = {}): Promise<YjsClient> {
    const socket = this.#socket(`/v1/sync/${encodePath(id)}`, name);
    return this.#use(await YjsClient.open(socket, name, this.deadline, { isOwnClient: true, ...options }));
  }

  /** A Yjs client with our subprotocol, in sync. */
  async joinYjs(id: FragmentId, name: string, doc?: Y.Doc): Promise<YjsClient> {
    const client = await this.yjs(id, name, { doc });
    await client.sync();
    return client;
  }

  /** A stock provider, in sync. */
  async joinStock(id: FragmentId, name: string, params?: Record<string, string>): Promise<StockClient> {
    const client = this.stock(id, name, params);
    await client.synced();
    return client;
  }

  /** A stock provider that begins to connect. */
  stock(id: FragmentId, name: string, params?: Record<string, string>): StockClient {
    const token = this.#credentialOf(name);
    const connection = {
      serverUrl: this.server.socketUrl("/v1/sync"),
      id,
      params: token === null ? params : { token, ...params }, // it can send no header
    };
    return this.#use(new StockClient(connection, name, this.deadline));
  }

  /** A client of a socket that belongs to no fragment. */
  async text(path: string, name: string): Promise<TextClient> {
    return this.#use(await TextClient.open(this.#socket(path, name), name, this.deadline));
  }

  /** Ends the scene and drops every client, even one that was still opening when the check failed. */
  leave(): void {
    this.deadline.end();
    for (const client of this.#clients) client.drop();
  }

  /** Undoes what the check made besides fragments. Its failures show in the last check. */
  async undo(timeoutMs: number): Promise<void> {
    for (const undo of this.#undo.toReversed()) {
      const deadline = new Deadline(timeoutMs, null);
      await undo(deadline).catch(() => undefined);
      deadline.end();
    }
  }

  #socket(path: string, name: string, headers: Readonly<Record<string, string>> = {}): SocketAddress {
    return {
      url: this.server.socketUrl(path),
      headers: { ...authorization(this.#credentialOf(name)), ...headers },
    };
  }

  /** Clients of one name are one user, also with more behind a comma: "Ann" and "Ann, again,". */
  #credentialOf(name: string): string | null {
    const { tokens, credential } = this.server;
    const [person = name] = name.split(",");
    if (!this.#people.includes(person)) this.#people.push(person);
    return tokens[this.#people.indexOf(person) % tokens.length] ?? credential;
  }

  #use<C extends { drop(): void }>(client: C): C {
    this.#clients.push(client);
    if (this.deadline.signal.aborted) client.drop();
    return client;
  }
}
