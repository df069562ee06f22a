/** What the scripted clients need of a WebSocket, whichever runtime or library made it. */
export interface ClientSocket {
  send(data: string | Uint8Array): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: "close", listener: (event: Closed) => void): void;
}

export interface Closed {
  readonly code: number;
  readonly reason: string;
}
