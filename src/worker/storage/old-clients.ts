/** The client ids of deleted generations, as varUints one after the other. The table `old_clients` holds them in chunks. */
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";

export function encodeClientIds(clients: Iterable<number>): Uint8Array {
  const encoder = encoding.createEncoder();
  for (const client of clients) encoding.writeVarUint(encoder, client);
  return encoding.toUint8Array(encoder);
}

export function decodeClientIds(bytes: Uint8Array): ReadonlySet<number> {
  const decoder = decoding.createDecoder(bytes);
  const clients = new Set<number>();
  while (decoding.hasContent(decoder)) clients.add(decoding.readVarUint(decoder));
  return clients;
}
