import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** A network between clients and a server that can lose a connection so that only the client's end hears of it. */
export class HalfOpenProxy {
  /** Connections that clients have made. */
  connections = 0;
  readonly #server: Server;
  readonly #pairs = new Set<{ readonly client: Socket; readonly upstream: Socket }>();

  private constructor(targetPort: number) {
    this.#server = createServer((client) => {
      this.connections++;
      const pair = { client, upstream: connect(targetPort, "127.0.0.1") };
      this.#pairs.add(pair);
      client.pipe(pair.upstream).pipe(client);
      for (const socket of [client, pair.upstream]) {
        socket.on("error", () => socket.destroy()); // the other end was cut
      }
    });
  }

  /** @param serverUrl of a server on this machine */
  static async open(serverUrl: string): Promise<HalfOpenProxy> {
    const proxy = new HalfOpenProxy(Number(new URL(serverUrl).port));
    await new Promise<void>((settle) => proxy.#server.listen(0, "127.0.0.1", settle));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`; // it listens on a port
  }

  /** Cuts all present connections. The server's ends stay open, and nothing comes from them any more. */
  cut(): void {
    for (const { client, upstream } of this.#pairs) {
      client.unpipe(upstream);
      upstream.unpipe(client);
      upstream.resume(); // what the server sends is lost
      client.destroy();
    }
  }

  close(): void {
    for (const { client, upstream } of this.#pairs) for (const socket of [client, upstream]) socket.destroy();
    this.#server.close();
  }
}
