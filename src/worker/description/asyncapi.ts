import type * as v from "valibot";
import { FRAGMENT_ID_RULE } from "../../language/fragment-id.ts";
import { catalogueEventSchemas } from "../../protocol/catalogue.ts";
import { clientFrameSchemas, serverFrameSchemas } from "../../protocol/json-frames.ts";
import { MAX_CLIENT_NAME_UNITS } from "../../protocol/limits.ts";
import { PRODUCT_VERSION } from "../../protocol/product-version.ts";
import { SUBPROTOCOL } from "../../protocol/yjs-frames.ts";
import { CLOSE_REASONS } from "./close-reasons.ts";
import { EXAMPLES } from "./examples.ts";
import { bulletList, SOCKET_LIMITS } from "./limits.ts";
import { CLIENT_FRAMES, EVENTS, SERVER_FRAMES } from "./message-summaries.ts";
import { describeSchemas, type JsonSchema, refTo } from "./schemas.ts";
import { SOCKET_SECURITY, SOCKET_SECURITY_CHOICES } from "./security-schemes.ts";

interface Message {
  readonly name?: string;
  readonly summary?: string;
  readonly contentType?: string;
  readonly payload: JsonSchema;
}
/** The messages of one side, by their names in the document. */
type Messages = Readonly<Record<string, Message>>;

const PROSE = `The sockets on which people and programs edit one fragment together, and the events of all fragments. The REST
API is described in \`/openapi.json\`.

Pages of the server and of the origins that it was told of may open a socket; those of others are closed with 4403. A refused
socket is accepted first and then closed with a code, because browsers show no HTTP status. Without
\`Upgrade: websocket\` the answer is 426.

## Close codes

${bulletList(CLOSE_REASONS)}

## Limits

Characters are UTF-16 code units.

${bulletList(SOCKET_LIMITS)}`;

const ID = {
  description: `${FRAGMENT_ID_RULE} Its slashes may be plain or \`%2F\`.`,
  examples: [EXAMPLES.fragment.id],
};

/** The binary frames of y-protocols and ours. Each summary says what its numbers mean. */
const YJS: Readonly<Record<"both" | "client" | "server", Messages>> = {
  both: {
    sync: binary("`0 0 stateVector`: what I have; `0 1 update`: what you lack; `0 2 update`: a change."),
    awareness: binary("`1 bytes(count (client clock state)*)`: the presence of clients; a state is JSON."),
  },
  client: {
    queryAwareness: binary("`3`: everybody's awareness, please."),
    renewal: binary(`\`103 token\`: goes on with a new token, of clients of \`${SUBPROTOCOL}\`.`),
    push: binary(`\`100 seq update\`: a change with a number, of clients of \`${SUBPROTOCOL}\`.`),
  },
  server: {
    saved: binary(
      `\`101 seq revision\`: all pushes up to \`seq\` are durable, to clients of \`${SUBPROTOCOL}\`.`,
    ),
    access: binary(
      `\`104 role expiresAt\`: what you may do, and until when (ms since 1970; 0: no end), to clients of \`${SUBPROTOCOL}\`.`,
    ),
    notice: binary(`\`102 code message\`: something was refused, to clients of \`${SUBPROTOCOL}\`.`),
  },
};

/** The parts of the document that other code reads; `describeSockets` makes the whole. */
export interface SocketDescription {
  readonly asyncapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly channels: Readonly<
    Record<
      string,
      {
        readonly address: string;
        readonly title: string;
        readonly description: string;
        readonly messages: Readonly<Record<string, { readonly $ref: string }>>;
        readonly bindings: { readonly ws: { readonly query: JsonSchema } };
      }
    >
  >;
  readonly operations: Readonly<
    Record<
      string,
      { readonly action: "send" | "receive"; readonly messages: readonly { readonly $ref: string }[] }
    >
  >;
  readonly components: {
    readonly messages: Messages;
    readonly schemas: Readonly<Record<string, JsonSchema>>;
  };
}

/** The sockets as AsyncAPI 3.0, made of the schemas that validate frames. */
export function describeSockets(serverUrl: URL) {
  const client = jsonMessages("Client", clientFrameSchemas, CLIENT_FRAMES);
  const server = jsonMessages("Server", serverFrameSchemas, SERVER_FRAMES);
  const events = jsonMessages("Event", catalogueEventSchemas, EVENTS);
  const yjs = { ...YJS.both, ...YJS.client, ...YJS.server };
  return {
    asyncapi: "3.0.0",
    info: { title: "Prompt Manager", version: PRODUCT_VERSION, description: PROSE },
    defaultContentType: "application/json",
    servers: {
      here: {
        host: serverUrl.host,
        protocol: serverUrl.protocol === "https:" ? "wss" : "ws",
        security: SOCKET_SECURITY_CHOICES,
      },
    },
    channels: {
      jsonSocket: {
        address: "/v1/ws/{id}",
        title: "JSON socket",
        description: "One JSON object in each text frame; `action` says which.",
        parameters: { id: ID },
        messages: channelMessages({ ...client.messages, ...server.messages }),
        bindings: query({
          create: { const: "1", description: "Make the fragment, empty, if it never existed." },
          changes: { const: "1", description: "Others' edits come as changes instead of as whole texts." },
          client: {
            type: "string",
            maxLength: MAX_CLIENT_NAME_UNITS,
            description: "The name under which request ids are remembered over reconnects.",
          },
        }),
      },
      yjsSocket: {
        address: "/v1/sync/{id}",
        title: "Yjs socket",
        description: `What a y-websocket provider speaks, in binary frames. The text is \`getText("content")\`. The subprotocol \`${SUBPROTOCOL}\` adds acknowledgements.`,
        parameters: { id: ID },
        messages: channelMessages(yjs),
        bindings: query({ create: { const: "1", description: "Make the fragment if it never existed." } }),
      },
      events: {
        address: "/v1/events",
        title: "Events",
        description:
          "Changes of the fragments that the caller may read: one JSON object in each text frame. Without an upgrade the same comes as server-sent events.",
        messages: channelMessages(events.messages),
        bindings: query({
          last_event_id: {
            type: "string",
            description: "The `seq` of the last event that the client knows.",
          },
        }),
      },
    },
    operations: {
      receiveFrames: operation("receive", "jsonSocket", client.messages),
      sendFrames: operation("send", "jsonSocket", server.messages),
      receiveYjs: operation("receive", "yjsSocket", { ...YJS.both, ...YJS.client }),
      sendYjs: operation("send", "yjsSocket", { ...YJS.both, ...YJS.server }),
      sendEvents: operation("send", "events", events.messages),
    },
    components: {
      messages: { ...client.messages, ...server.messages, ...events.messages, ...yjs },
      schemas: { ...client.schemas, ...server.schemas, ...events.schemas },
      securitySchemes: SOCKET_SECURITY,
    },
  };
}

function binary(summary: string): Message {
  return { contentType: "application/octet-stream", summary, payload: { type: "string", format: "binary" } };
}

/** A message for each schema, and the schemas. Both are named by the prefix and the schema's own name. */
function jsonMessages<N extends string>(
  prefix: string,
  schemas: Readonly<Record<N, v.GenericSchema>>,
  summaries: Readonly<Record<N, string>>,
) {
  const named: Record<string, v.GenericSchema> = {};
  const messages: Record<string, Message> = {};
  for (const key of Object.keys(schemas) as N[]) {
    const name = `${prefix}${pascalCase(key)}`;
    named[name] = schemas[key];
    messages[name] = { name, summary: summaries[key], payload: refTo(name) };
  }
  return { messages, schemas: describeSchemas(named, "draft-07") };
}

function pascalCase(name: string): string {
  return name.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function channelMessages(messages: Messages) {
  return Object.fromEntries(
    Object.keys(messages).map((name) => [name, { $ref: `#/components/messages/${name}` }]),
  );
}

/** An operation from the server's side: it receives what clients send. */
function operation(action: "send" | "receive", channel: string, messages: Messages) {
  return {
    action,
    channel: { $ref: `#/channels/${channel}` },
    messages: Object.keys(messages).map((name) => ({ $ref: `#/channels/${channel}/messages/${name}` })),
  };
}

function query(properties: Readonly<Record<string, JsonSchema>>) {
  const schema: JsonSchema = { type: "object", properties };
  return { ws: { query: schema, bindingVersion: "0.1.0" } };
}
