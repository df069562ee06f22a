/**
 * The configuration that workerd serves a bundle with, in Cap'n Proto's text format. It leaves two things open, which
 * are given on the command line: the address of the socket and the directory of the storage.
 */
import { extname } from "node:path";

/** What workerd must know of wrangler.toml and of the bundle. */
export interface WorkerdSettings {
  /** Part of what Durable Object ids are derived from: under another name the stored objects are not found. */
  readonly workerName: string;
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
  /** Paths relative to the configuration's file. The first is the main module. */
  readonly modules: readonly string[];
  readonly durableObjects: readonly { readonly binding: string; readonly className: string }[];
  /** Each value as JSON text. */
  readonly vars: Readonly<Record<string, string>>;
}

export const SOCKET_NAME = "http";
export const STORAGE_NAME = "durable-objects";

/**
 * Each frame sent leaves about half a kilobyte that only a major collection frees (workerd 1.2026, November 2026): with
 * V8's own first limit a busy room has one of 20 to 30 ms every few seconds, which is what the 99th percentile shows.
 * With more room they are rare, for up to about 200 MB of memory.
 */
const V8_FLAGS = ["--initial-old-space-size=128"];

/** Throws for a module of a kind that has no row in `MODULE_FIELDS`. */
export function renderWorkerdConfig(settings: WorkerdSettings): string {
  const bindings = [
    ...settings.durableObjects.map(
      ({ binding, className }) => `(name = ${quote(binding)}, durableObjectNamespace = ${quote(className)})`,
    ),
    ...Object.entries(settings.vars).map(([name, json]) => `(name = ${quote(name)}, json = ${quote(json)})`),
  ];
  const namespaces = settings.durableObjects.map(({ className }) => {
    const uniqueKey = `${settings.workerName}-${className}`;
    return `(className = ${quote(className)}, uniqueKey = ${quote(uniqueKey)}, enableSql = true)`;
  });
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  v8Flags = ${list(V8_FLAGS.map(quote))},
  services = [
    (name = "worker", worker = .worker),
    (name = ${quote(STORAGE_NAME)}, disk = (writable = true)),
  ],
  sockets = [(name = ${quote(SOCKET_NAME)}, http = (), service = "worker")],
);

const worker :Workerd.Worker = (
  modules = ${list(settings.modules.map(renderModule))},
  compatibilityDate = ${quote(settings.compatibilityDate)},
  compatibilityFlags = ${list(settings.compatibilityFlags.map(quote))},
  bindings = ${list(bindings)},
  durableObjectNamespaces = ${list(namespaces)},
  durableObjectStorage = (localDisk = ${quote(STORAGE_NAME)}),
);
`;
}

const MODULE_FIELDS: Readonly<Record<string, string>> = {
  ".js": "esModule",
  ".html": "text",
  ".sql": "text",
  ".txt": "text",
  ".bin": "data",
  ".wasm": "wasm",
};

function renderModule(path: string): string {
  const field = MODULE_FIELDS[extname(path)];
  if (field === undefined)
    throw new Error(`module ${path}: tools/dev/workerd-config.ts does not know its kind`);
  return `(name = ${quote(path)}, ${field} = embed ${quote(path)})`;
}

function list(items: readonly string[]): string {
  return items.length === 0 ? "[]" : `[\n    ${items.join(",\n    ")},\n  ]`;
}

/** A text literal: bytes of UTF-8, of which all but plain ASCII are escaped. */
function quote(text: string): string {
  const escaped = Array.from(Buffer.from(text), (byte) =>
    byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c
      ? String.fromCharCode(byte)
      : `\\x${byte.toString(16).padStart(2, "0")}`,
  );
  return `"${escaped.join("")}"`;
}
