import { splitCommaList } from "./comma-list.ts";

/** The names by which a server is called, as the `Host` header and the setting ALLOWED_HOSTS have them. */

/**
 * The name in a `Host` header, in small letters, without its port and without the dot at the end of a complete name. Null
 * for what no browser would send: more than one name, or a part of an address that is no host.
 */
export function hostnameOf(header: string): string | null {
  const [, name] = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]*[a-z0-9_-])\.?(?::\d{0,5})?$/i.exec(header) ?? [];
  return name?.toLowerCase() ?? null;
}

/**
 * Whether only programs of this machine reach the host. Names below `localhost` are not meant: some systems ask the
 * network for them.
 *
 * @param hostname a name, or an address as it stands in a `Host` header or on a command line
 */
export function isLoopbackHost(hostname: string): boolean {
  return ["localhost", "::1", "[::1]"].includes(hostname) || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}

/**
 * Whether the name can lead to this server only by the will of those who run the network: an address, or a name without
 * a dot. Everybody can own any other name, and let it lead here (DNS rebinding).
 */
export function isLocalName(hostname: string): boolean {
  return !hostname.includes(".") || /^\d{1,3}(?:\.\d{1,3}){3}$/.test(hostname) || hostname.startsWith("[");
}

/** The names in a list with commas between them, and what is wrong with the list. */
export function parseHosts(list: string): {
  readonly names: readonly string[];
  readonly fault: string | null;
} {
  const texts = splitCommaList(list);
  const names = texts.map((text) => (text.includes(":") && !text.startsWith("[") ? null : hostnameOf(text)));
  const wrong = texts.find((_, at) => names[at] === null);
  if (wrong === undefined) return { names: names.filter((name) => name !== null), fault: null };
  return {
    names: [],
    fault: `${wrong}: must be names of hosts without a port, such as prompts.example.com.`,
  };
}
