import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { TextChange } from "../text/text-change.ts";

/**
 * The storage form of a change: the number of ops, then each op as its length times four plus its kind (retain 0,
 * delete 1). An insert is the kind 2 alone, followed by its string.
 */
export function encodeChange(encoder: encoding.Encoder, change: TextChange): void {
  encoding.writeVarUint(encoder, change.ops.length);
  for (const op of change.ops) {
    if (op.insert !== undefined) {
      encoding.writeVarUint(encoder, 2);
      encoding.writeVarString(encoder, op.insert);
    } else if (op.delete !== undefined) encoding.writeVarUint(encoder, op.delete * 4 + 1);
    else encoding.writeVarUint(encoder, op.retain * 4);
  }
}

export function decodeChange(decoder: decoding.Decoder): TextChange {
  const change = new TextChange();
  for (let left = decoding.readVarUint(decoder); left > 0; left--) {
    const head = decoding.readVarUint(decoder);
    const length = Math.floor(head / 4);
    if (head % 4 === 2) change.insert(decoding.readVarString(decoder));
    else if (head % 4 === 1) change.delete(length);
    else change.retain(length);
  }
  return change;
}
