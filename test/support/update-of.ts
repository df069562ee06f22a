import * as Y from "yjs";

/** Changes the document in one transaction. Returns the change as one update, which is empty if nothing changed. */
export function updateOf(doc: Y.Doc, change: (text: Y.Text, doc: Y.Doc) => void): Uint8Array {
  let update = Y.encodeStateAsUpdate(new Y.Doc());
  const take = (made: Uint8Array) => {
    update = made;
  };
  doc.on("update", take);
  doc.transact(() => change(doc.getText("content"), doc));
  doc.off("update", take);
  return update;
}
