/** A page of a foreign origin that tries everything a browser lets it try against a server. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** What the page got out of one try. */
export interface Loot {
  readonly what: string;
  /** The page could read an answer, or a socket or a stream was opened to it. */
  readonly read: string | null;
}

/**
 * Runs in the browser. `attack` tries all at once, or only those that are named, and settles when each has come to its end.
 */
const SCRIPT = `
const TIMEOUT_MS = 15_000;
const within = (promise) => Promise.race([promise, new Promise((settle) => setTimeout(settle, TIMEOUT_MS, null))]);

async function reads(url, init) {
  try {
    const answer = await fetch(url, init);
    return answer.type === "opaque" ? null : answer.status + " " + (await answer.text()).slice(0, 200);
  } catch {
    return null;
  }
}

function hears(url, protocols, frame) {
  return within(new Promise((settle) => {
    const socket = new WebSocket(url, protocols);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => frame !== null && socket.send(frame);
    if (frame === null) socket.onopen = () => setTimeout(() => socket.readyState === 1 && settle("stayed open"), 1_000);
    socket.onmessage = ({ data }) => settle("heard " + (typeof data === "string" ? data : data.byteLength + " bytes"));
    socket.onclose = () => settle(null);
  }));
}

function streams(url) {
  return within(new Promise((settle) => {
    const source = new EventSource(url);
    source.onopen = () => settle("opened");
    source.onerror = () => { source.close(); settle(null); };
  }));
}

function loads(tag, attributes) {
  return within(new Promise((settle) => {
    const element = Object.assign(document.createElement(tag), attributes);
    element.onload = () => settle(tag === "iframe" ? null : "loaded");
    element.onerror = () => settle(null);
    document.head.append(element);
  }));
}

/** A form can send any text: its one field's name is the beginning of the JSON, and its value the end. */
function submits(url, body) {
  return within(new Promise((settle) => {
    const frame = Object.assign(document.createElement("iframe"), { name: "f" + Math.random() });
    document.body.append(frame);
    const form = Object.assign(document.createElement("form"), { method: "POST", action: url, enctype: "text/plain", target: frame.name });
    const [name, value] = body.split("=");
    form.append(Object.assign(document.createElement("input"), { name, value }));
    document.body.append(form);
    frame.onload = () => settle(null);
    form.submit();
  }));
}

async function attack(server, id, newId, only = null) {
  const ws = server.replace(/^http/, "ws");
  const fragment = server + "/v1/fragments/" + id;
  const rename = JSON.stringify({ from: id, to: newId });
  const json = { "Content-Type": "application/json" };
  const update = JSON.stringify({ action: "update", content: "stolen" });
  const step1 = new Uint8Array([0, 0, 1, 0]);
  const tries = {
    "a simple GET": () => reads(fragment),
    "a GET with the user's credentials": () => reads(fragment, { credentials: "include" }),
    "a simple POST": () => reads(server + "/v1/renames", { method: "POST", body: rename, credentials: "include" }),
    "a POST without CORS": () => reads(server + "/v1/renames", { method: "POST", body: rename, mode: "no-cors", credentials: "include" }),
    "a GET without CORS": () => reads(fragment, { mode: "no-cors", credentials: "include" }),
    "a preflighted PUT": () => reads(fragment, { method: "PUT", headers: json, body: '{"content": "stolen"}' }),
    "a preflighted PATCH": () => reads(fragment, { method: "PATCH", headers: json, body: '{"content": "stolen"}' }),
    "a preflighted DELETE": () => reads(fragment, { method: "DELETE" }),
    "a preflighted GET": () => reads(server + "/v1/fragments", { headers: { Authorization: "Bearer guess" } }),
    "a DELETE on an old path": () => reads(server + "/api/prompts/" + id, { method: "DELETE" }),
    "the description of the API": () => reads(server + "/openapi.json"),
    "the health": () => reads(server + "/healthz"),
    "a form": () => submits(server + "/v1/fragments", '{"id": "' + newId + '", "content": "=stolen"}'),
    "a JSON socket": () => hears(ws + "/v1/ws/" + id, [], update),
    "a JSON socket that makes a fragment": () => hears(ws + "/v1/ws/" + newId + "?create=1", [], update),
    "a JSON socket on an old path": () => hears(ws + "/ws/prompts/" + id, [], update),
    "a Yjs socket": () => hears(ws + "/v1/sync/" + id, [], step1),
    "a socket of events": () => hears(ws + "/v1/events", [], null),
    "the echo": () => hears(ws + "/api/ws/test", [], "hello"),
    "a stream of events": () => streams(server + "/v1/events"),
    "a stream of events with credentials": () => new Promise((settle) => {
      const source = new EventSource(server + "/v1/events", { withCredentials: true });
      source.onopen = () => settle("opened");
      source.onerror = () => { source.close(); settle(null); };
    }),
    "a picture": () => loads("img", { src: fragment }),
    "a script": () => loads("script", { src: server + "/openapi.json" }),
    "a style": () => loads("link", { rel: "stylesheet", href: server + "/docs" }),
    "a prefetch": () => loads("link", { rel: "prefetch", href: fragment }),
    "a frame": () => loads("iframe", { src: server + "/docs" }),
  };
  const chosen = Object.entries(tries).filter(([what]) => only === null || only.includes(what));
  return Promise.all(chosen.map(async ([what, tried]) => ({ what, read: await tried() })));
}
`;

export interface PageServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Serves the page on every path of a port of 127.0.0.1, under any name. */
export async function servePage(): Promise<PageServer> {
  const server = createServer((_, response) => {
    response.setHeader("Content-Type", "text/html");
    response.end(`<!doctype html><title>elsewhere</title><body><script>${SCRIPT}</script>`);
  });
  server.listen({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port, // it listens on a port
    close: () =>
      new Promise((settle) => {
        server.close(() => settle());
        server.closeAllConnections();
      }),
  };
}

/** The source of the tries, for a page that does not come from `servePage`. */
export const FOREIGN_SCRIPT = SCRIPT;
