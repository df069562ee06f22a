import * as Y from "yjs";

/** An update that writes under the client id of somebody else, on top of what `known` holds. Changes no document. */
export function forgedUpdate(known: Y.Doc, clientId: number): Uint8Array {
  const copy = new Y.Doc();
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(known));
  copy.clientID = clientId;
  copy.getText("content").insert(0, "forged");
  return Y.encodeStateAsUpdate(copy, Y.encodeStateVector(known));
}
