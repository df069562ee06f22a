import { fromBase64UrlEncoded, toBase64UrlEncoded } from "lib0/buffer";
import { decodeUtf8, encodeUtf8 } from "lib0/string";

/**
 * A request to an object that answers with a socket or a stream. The client's own request never goes there, because its
 * headers and its address may hold a key or token. Its wishes stand in the address, as JSON in base64url.
 *
 * @param address of the object, without a query; it only names the request for those who read traces
 */
export function encodeObjectRequest(address: string, asked: object, isSocket: boolean): Request {
  const text = toBase64UrlEncoded(encodeUtf8(JSON.stringify(asked)));
  const headers: HeadersInit = isSocket ? { Upgrade: "websocket" } : {};
  return new Request(`${address}?${text}`, { headers });
}

/** What `encodeObjectRequest` was given. */
export function decodeObjectRequest(request: Request): unknown {
  return JSON.parse(decodeUtf8(fromBase64UrlEncoded(new URL(request.url).search.slice(1))));
}
