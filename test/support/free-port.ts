import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** Systems give ports above this one to clients, and to servers that ask for any: there another process may be faster. */
const FIRST_EPHEMERAL_PORT = 32_768;
const FIRST_PORT = 10_000;

/** A port of 127.0.0.1 that is free, and that nobody is given by chance. For a server that must come back on its port. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST_PORT, FIRST_EPHEMERAL_PORT);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((settle) => {
    const server = createServer();
    server.once("error", () => settle(false));
    server.listen(port, "127.0.0.1", () => server.close(() => settle(true)));
  });
}
