import type { Incoming } from "../../src/core/text/incoming.ts";

/** An update of somebody who may write under every client id, unless the test says otherwise. */
export function incomingOf(update: Uint8Array, rights: Partial<Incoming> = {}): Incoming {
  return {
    update,
    sender: {},
    isWanted: true,
    isHeld: () => false,
    admit: () => null,
    differs: () => ({ code: "client_id_taken", message: "It differs." }),
    ...rights,
  };
}
