/**
 * The configuration with which workerd serves a bundle, in Cap'n Proto's text format. The address of the socket and the
 * directory of the storage are given on the command line.
 */
import { extname } from "node:path";

/** The parts of wrangler.toml and of the bundle that workerd needs. */
export interface WorkerdSettings {
  /** Durable Object ids are derived from it: under another name the stored objects are not found. */
  readonly workerName: string;
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
  /** Paths relative to the configuration's file. The first is the main module. */
  readonly modules: readonly string[];
  readonly durableObjects: readonly { readonly binding: string; readonly className: string }[];
  /** Each value as JSON text. */
  readonly vars: Readonly<Record<string, string>>;
}

/** Secrets come from the environment of workerd, so that no file has them. One that is not set is null. */
export const SECRETS = ["AUTH_SECRET", "AUTH_SECRET_OLD"] as const;

export const SOCKET_NAME = "http";
export const STORAGE_NAME = "durable-objects";

/**
 * Each frame sent leaves about half a kilobyte that only a major collection frees (workerd 1.2026, November 2026). With
 * V8's default limit, a busy room has a collection of 20 to 30 ms every few seconds, which determines the 99th percentile.
 * With a larger heap, of up to about 200 MB, they are rare.
 */
const V8_FLAGS = ["--initial-old-space-size=128"];

/** Throws for a kind of module that is not in `MODULE_FIELDS`. */
export function renderWorkerdConfig(settings: WorkerdSettings): string {
  const bindings = [
    ...settings.durableObjects.map(
      ({ binding, className }) => `(name = ${quote(binding)}, durableObjectNamespace = ${quote(className)})`,
    ),
    ...Object.entries(settings.vars).map(([name, json]) => `(name = ${quote(name)}, json = ${quote(json)})`),
    ...SECRETS.map((name) => `(name = ${quote(name)}, fromEnvironment = ${quote(name)})`),
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
    # The worker asks nobody but the identity provider, which may be in a private network.
    (name = "internet", network = (allow = ["public", "private"], tlsOptions = (trustBrowserCas = true))),
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

/** A text literal: UTF-8, with all bytes but plain ASCII escaped. */
function quote(text: string): string {
  const escaped = Array.from(Buffer.from(text), (byte) =>
    byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c
      ? String.fromCharCode(byte)
      : `\\x${byte.toString(16).padStart(2, "0")}`,
  );
  return `"${escaped.join("")}"`;
}
