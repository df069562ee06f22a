import type { OpenAPIV3_1 } from "openapi-types";

/**
 * How a caller shows who it is, in the words of both descriptions. A proxy's header of an identity provider is not among
 * them, since no client sends it.
 */

const BEARER = { type: "http", scheme: "bearer", description: "A key or a token." } as const;
const TOKEN = {
  in: "query",
  name: "token",
  description: "A key or a token, where no header can be set.",
} as const;
const SESSION = {
  in: "cookie",
  name: "prompt_session",
  description:
    "A browser that has signed in. Over https its name begins with `__Host-`. What changes something must come from a page of the server.",
} as const;
const SUBPROTOCOL = {
  in: "header",
  name: "Sec-WebSocket-Protocol",
  description: "A key or a token as the second subprotocol that is offered. The answer names the first.",
} as const;

/** For OpenAPI. */
export const REST_SECURITY: Readonly<Record<string, OpenAPIV3_1.SecuritySchemeObject>> = {
  bearer: BEARER,
  token: { type: "apiKey", ...TOKEN },
  session: { type: "apiKey", ...SESSION },
};

/** For AsyncAPI, which calls it otherwise. */
export const SOCKET_SECURITY = {
  bearer: BEARER,
  token: { type: "httpApiKey", ...TOKEN },
  session: { type: "httpApiKey", ...SESSION },
  subprotocol: { type: "httpApiKey", ...SUBPROTOCOL },
} as const;

/** One of these is enough. */
export const SOCKET_SECURITY_CHOICES = Object.keys(SOCKET_SECURITY).map((name) => ({
  $ref: `#/components/securitySchemes/${name}`,
}));
