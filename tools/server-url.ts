/** Which server a command talks to. */
import { UsageError } from "./command-line.ts";

/** The port that wrangler.toml names too. */
export const DEFAULT_PORT = "8081";

/** Where `npm run dev` and `npm run serve` are unless they are told otherwise. */
export const DEFAULT_SERVER_URL = `http://localhost:${DEFAULT_PORT}`;

/**
 * What `--url` says. Throws a `UsageError` for anything that would be dropped in silence: a server's addresses begin at
 * its root, and it asks for no name and no password.
 */
export function parseServerUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || !isOrigin(url))
    throw new UsageError(
      `--url must be an http or https address without a path, a name or a password, not "${text}".`,
    );
  return url;
}

function isOrigin({ pathname, search, hash, username, password }: URL): boolean {
  return pathname === "/" && search === "" && hash === "" && username === "" && password === "";
}
