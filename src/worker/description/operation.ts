import type { MiddlewareHandler } from "hono";
import { type DescribeRouteOptions, describeRoute } from "hono-openapi";
import type { OpenAPIV3_1 } from "openapi-types";
import type * as v from "valibot";
import { roleFault } from "../../protocol/access.ts";
import { AuditQuerySchema } from "../../protocol/audit.ts";
import { FoldersQuerySchema, ListQuerySchema } from "../../protocol/catalogue.ts";
import { ExpansionQuerySchema } from "../../protocol/expansion.ts";
import { shorten, toSentence } from "../../protocol/issues.ts";
import { SessionsQuerySchema } from "../../protocol/people.ts";
import { KeysQuerySchema, UsersQuerySchema } from "../../protocol/principals.ts";
import { unknownName } from "../../protocol/unknown-field.ts";
import { TOKEN_PARAMETER } from "../access/credentials.ts";
import type { AppEnv } from "../http/app-env.ts";
import { isUpgrade } from "../http/is-upgrade.ts";
import { problem, refuse } from "../http/problem.ts";
import { NEEDED_ROLES } from "./needed-roles.ts";
import { type OperationId, operations } from "./operations.ts";

/** The end of a parameter's name that stands for any name: `var.*` is described, and `var.city` is sent. */
const ANY = "*";

/** The schemas that check the parameters of an address, by operation. */
export const QUERY_SCHEMAS: Partial<Record<OperationId, v.ObjectSchema<v.ObjectEntries, undefined>>> = {
  listFragments: ListQuerySchema,
  listFolders: FoldersQuerySchema,
  readAuditLog: AuditQuerySchema,
  listKeys: KeysQuerySchema,
  listUsers: UsersQuerySchema,
  getExpansion: ExpansionQuerySchema,
  listSessions: SessionsQuerySchema,
  endSessions: SessionsQuerySchema,
};

/**
 * Says which operation a route is: for the description, and to refuse callers whose role is too low, and on `/v1`
 * parameters that the operation does not have. The address of a WebSocket may have others, since providers add parameters
 * of their own.
 */
export function operation(operationId: OperationId): MiddlewareHandler<AppEnv> {
  const known = parametersOf(operationId);
  const families = known.filter((name) => name.endsWith(ANY)).map((name) => name.slice(0, -ANY.length));
  const isKnown = (name: string) =>
    known.includes(name) || families.some((family) => name.startsWith(family));
  const needed = NEEDED_ROLES[operationId];
  const check: MiddlewareHandler<AppEnv> = async (c, next) => {
    const fault = needed === null ? null : roleFault(c.get("access"), needed);
    if (fault !== null) return refuse(c, fault);
    const { pathname, searchParams } = new URL(c.req.url);
    const unknown = [...searchParams.keys()].find((name) => name !== TOKEN_PARAMETER && !isKnown(name));
    const isSocket = operationId === "streamEvents" && isUpgrade(c.req.raw);
    if (unknown === undefined || isSocket || !pathname.startsWith("/v1/")) return next();
    return problem(c, "invalid_query", toSentence(`${shorten(unknown)}: ${unknownName(unknown, known)}`));
  };
  return Object.assign(check, describeRoute({ operationId, ...operations[operationId] }));
}

/** The names of the parameters that an address of the operation may have. */
function parametersOf(operationId: OperationId): readonly string[] {
  const described: DescribeRouteOptions = operations[operationId];
  const parameters = (described.parameters ?? []) as OpenAPIV3_1.ParameterObject[]; // ours are never references
  const inQuery = parameters.filter((parameter) => parameter.in === "query").map(({ name }) => name);
  return [...inQuery, ...Object.keys(QUERY_SCHEMAS[operationId]?.entries ?? {})];
}
