/** The server that a command talks to: its address, its paths, and the message for the case that it does not answer. */
import type { FragmentId } from "../src/language/fragment-id.ts";
import { UsageError } from "./command-line.ts";

/** The port that wrangler.toml names too. */
export const DEFAULT_PORT = 8081;

/** The address of `npm run dev` and `npm run serve` unless `--port` or `--host` says otherwise. */
export const DEFAULT_SERVER_URL = `http://localhost:${DEFAULT_PORT}`;

/**
 * Reads the value of `--url`. Throws a `UsageError` for parts that would be dropped in silence: the server's paths
 * begin at its root, and it asks for no user name or password.
 */
export function parseServerUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || !isOrigin(url))
    throw new UsageError(
      `--url must be an http or https address without a path, a name or a password, not "${text}".`,
    );
  return url;
}

/** The path of a fragment in REST. */
export function fragmentPath(id: FragmentId): string {
  return `/v1/fragments/${encodePath(id)}`;
}

/** Encodes an id for a path. Its slashes stay slashes. */
export function encodePath(id: FragmentId): string {
  return id.split("/").map(encodeURIComponent).join("/");
}

/** The message of a command that got no answer from `origin`. */
export function describeNoServer(origin: string, error: unknown): string {
  return `No server answers at ${origin} (${describeCause(error)}). Start one with "npm run dev", or name another with --url.`;
}

/** The telling part of a failure of `fetch` or the file system: an error code, which `fetch` hides in the cause. */
export function describeCause(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ("code" in error && typeof error.code === "string") return error.code;
  return error.cause === undefined ? error.message : describeCause(error.cause);
}

function isOrigin({ pathname, search, hash, username, password }: URL): boolean {
  return pathname === "/" && search === "" && hash === "" && username === "" && password === "";
}
