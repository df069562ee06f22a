// Hocuspocus in memory, on the port PORT of the loopback. Without an extension it stores nothing: its best case.
import { Server } from "@hocuspocus/server";

await new Server({ port: Number(process.env.PORT), address: "127.0.0.1", quiet: true }).listen();
