/** The port that wrangler.toml names too. */
export const DEFAULT_PORT = "8081";

/** Throws for anything but a whole number from 0 to 65535; 0 asks for a free port. */
export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535)) throw new Error(`--port ${text}: must be a whole number from 0 to 65535`);
  return port;
}
