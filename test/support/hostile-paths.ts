/** Paths of requests as a client can write them on a raw socket, where no library mends them. */

/** Paths that two readers of URLs may take for different ones. */
export const AMBIGUOUS_PATHS = [
  "/..",
  "/healthz/..",
  "/v1/./tags",
  "/v1/fragments/../tags",
  "/v1/fragments/%2e%2e/tags",
  "/v1/fragments/%2E%2E/tags",
  "/v1/fragments/.%2e/tags",
  "/v1/fragments/%2e./tags",
  "/v1/%2e/tags",
  "/v1/fragments/a%2f..%2fb",
  "/v1/fragments/a%2F%2e%2e%2Fb",
  "/v1/fragments/..%2ftags",
  "/v1/fragments/..%5ctags",
  "/v1/fragments\\..\\tags",
  "/v1\\tags",
  "/v1/fragments/a%5c..%5cb",
  "/v1/fragments/%252e%252e/tags",
  "/v1/fragments/%25252e%25252e%25252ftags",
  "/v1/fragments/..;/tags",
  "/v1/fragments/..;x=1/tags",
  "/api/prompts/%2e%2e/%2e%2e/v1/keys",
  "//v1/../v1/tags",
  "/docs/%2e%2e/v1/keys",
];

/** Paths that look like those, and are nothing but ids, or a query. */
export const PLAIN_PATHS = [
  "/v1/fragments/a..b",
  "/v1/fragments/a.b/c.d",
  "/v1/fragments/a%2Fb",
  "/v1/fragments/a%2eb",
  "/api/prompts/a/.../b",
  "/v1/tags?token=../..",
  "/v1/tags?token=%2e%2e%2f",
];
