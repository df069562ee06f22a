/** The address that a server listens on, checked before anything slow is done. */
import { createServer } from "node:net";
import { type Option, whole } from "../command-options.ts";
import { DEFAULT_PORT } from "../server-url.ts";

/** The option `--port`; 0 asks for a free port. */
export function port(): Option<number> {
  return whole(DEFAULT_PORT, 0, 65_535);
}

/**
 * Null if this process can listen on `port` of `host`, otherwise a sentence that says why not and what to do.
 *
 * @param host a name or an address; `*` for all addresses of this machine, as workerd has it
 */
export async function addressFault(host: string, port: number): Promise<string | null> {
  const server = createServer();
  try {
    await new Promise<void>((settle, fail) => {
      server.once("error", fail).listen({ ...(host === "*" ? {} : { host }), port, exclusive: true }, settle);
    });
    return null;
  } catch (error) {
    return describeFault(host, port, error);
  } finally {
    await new Promise((settle) => server.close(settle));
  }
}

function describeFault(host: string, port: number, error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  switch (code) {
    case "EADDRINUSE":
      return `Port ${port} of ${host} is taken: another server listens there. Stop it, or choose another port with --port.`;
    case "EACCES":
      return `This user may not open port ${port}. Choose a port above 1023 with --port.`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `This machine has no address "${host}". Name one of its own addresses with --host.`;
    default:
      return `Port ${port} of ${host} cannot be opened (${error instanceof Error ? error.message : error}).`;
  }
}
