import type { Hono } from "hono";
import { generateSpecs } from "hono-openapi";
import type { OpenAPIV3_1 } from "openapi-types";
import type * as v from "valibot";
import { AuditEntrySchema, AuditPageSchema } from "../../protocol/audit.ts";
import * as catalogue from "../../protocol/catalogue.ts";
import { ExpansionSchema, WarningSchema } from "../../protocol/expansion.ts";
import { FragmentSchema } from "../../protocol/fragment.ts";
import * as people from "../../protocol/people.ts";
import * as principals from "../../protocol/principals.ts";
import { PRODUCT_VERSION } from "../../protocol/product-version.ts";
import * as rest from "../../protocol/rest.ts";
import type { AppEnv } from "../http/app-env.ts";
import { bulletList, REST_LIMITS } from "./limits.ts";
import { NEEDED_ROLES } from "./needed-roles.ts";
import { QUERY_SCHEMAS } from "./operation.ts";
import type { OperationId } from "./operations.ts";
import { describeSchemas, type JsonSchema } from "./schemas.ts";
import { REST_SECURITY } from "./security-schemes.ts";

/** The schemas of bodies and answers, by their names in the description. */
const SCHEMAS = {
  Fragment: FragmentSchema,
  FragmentCreate: rest.CreateSchema,
  Rename: rest.RenameSchema,
  FragmentPut: rest.PutSchema,
  FragmentPatch: rest.PatchSchema,
  Substitution: rest.SubstitutionSchema,
  Expand: rest.ExpandSchema,
  Expansion: ExpansionSchema,
  ExpansionWarning: WarningSchema,
  FragmentPage: catalogue.FragmentPageSchema,
  FragmentSummary: catalogue.FragmentSummarySchema,
  TagCounts: catalogue.TagCountsSchema,
  FolderCounts: catalogue.FolderCountsSchema,
  Dependents: catalogue.DependentsSchema,
  Rebuild: catalogue.RebuildSchema,
  RebuildStatus: catalogue.RebuildStatusSchema,
  Key: principals.KeySchema,
  KeyCreate: principals.KeyCreateSchema,
  KeyPatch: principals.KeyPatchSchema,
  NewKey: principals.NewKeySchema,
  KeyPage: principals.KeyPageSchema,
  TokenCreate: principals.TokenCreateSchema,
  Token: principals.TokenSchema,
  User: principals.UserSchema,
  UserPut: principals.UserPutSchema,
  UserPage: principals.UserPageSchema,
  Me: people.MeSchema,
  InvitationCreate: people.InvitationCreateSchema,
  Invitation: people.InvitationSchema,
  NewInvitation: people.NewInvitationSchema,
  InvitationList: people.InvitationListSchema,
  BrowserSession: people.BrowserSessionSchema,
  BrowserSessionList: people.BrowserSessionListSchema,
  AuditPage: AuditPageSchema,
  AuditEntry: AuditEntrySchema,
  Problem: rest.ProblemSchema,
};

const PROSE = `Fragments are short markdown texts with a description and tags, which include each other with \`[[name]]\`.
A write shows at once in every open editor, and is durable when it is answered.

The sockets are described in \`/asyncapi.json\`. The REST paths of the old system under \`/api/prompts\` are for old clients
only, and not described here.

## Versions

Each commit raises the version of its fragment by one. It is the \`ETag\`, in quotes. \`If-Match\` asks for a version,
\`base_version\` merges the write with the commits since that version.

## Errors

An error is \`application/problem+json\` (RFC 9457), with a \`code\` for programs and a \`detail\` for people. 503 comes with
\`Retry-After\`. An unknown field or parameter is an error, too: its \`detail\` names the nearest known one.

## CORS

Pages of the server itself, and of the origins that its operator has named, may call every address under \`/v1\` (CORS).
Requests of other pages are answered with 403 \`forbidden\`. Pages may read \`ETag\`, \`Location\`,
\`Retry-After\` and \`X-Prompt-Warnings\`.

## Limits

Characters are UTF-16 code units.

${bulletList(REST_LIMITS)}`;

/** The REST API as OpenAPI 3.1, made of the app's routes and of the schemas that validate requests. */
export async function describeRest(app: Hono<AppEnv>): Promise<OpenAPIV3_1.Document> {
  const document = await generateSpecs(app, {
    documentation: {
      info: { title: "Prompt Manager", version: PRODUCT_VERSION, description: PROSE },
      servers: [{ url: "/" }],
      tags: [
        { name: "Fragments", description: "The texts themselves." },
        { name: "Catalogue", description: "Lists, searches and counts over all fragments." },
        { name: "Expansion", description: "Texts with their inclusions resolved." },
        { name: "Access", description: "Keys of programs, tokens for pages, users, and what was done." },
        { name: "People", description: "How people come in, and who the caller is." },
        { name: "Service" },
      ],
    },
  });
  for (const path of Object.values(document.paths)) {
    for (const operation of Object.values(path) as OpenAPIV3_1.OperationObject[]) {
      const operationId = operation.operationId as OperationId; // from the table of them
      describeNeededRole(operation, operationId);
      const query = QUERY_SCHEMAS[operationId];
      if (query !== undefined)
        operation.parameters = [...(operation.parameters ?? []), ...describeQuery(query)];
    }
  }
  // The two libraries have different types for the same JSON Schema.
  const schemas = describeSchemas(SCHEMAS, "draft-2020-12") as Record<string, OpenAPIV3_1.SchemaObject>;
  // None at all: an open server, or one that lets everybody read.
  const security = [...Object.keys(REST_SECURITY).map((name) => ({ [name]: [] })), {}];
  return { ...document, security, components: { schemas, securitySchemes: REST_SECURITY } };
}

/** In words for people, and as a field for programs. An operation without a needed role is for everybody. */
function describeNeededRole(operation: OpenAPIV3_1.OperationObject, operationId: OperationId): void {
  const role = NEEDED_ROLES[operationId];
  if (role === null) operation.security = [];
  else {
    const words = operation.description === undefined ? [] : [operation.description];
    operation.description = [...words, `Needs the role \`${role}\`.`].join(" ");
    Object.assign(operation, { "x-needed-role": role });
  }
}

type ParameterSchema = NonNullable<OpenAPIV3_1.ParameterObject["schema"]>;

/** Each property of a query's schema as a parameter. */
function describeQuery(schema: v.GenericSchema): OpenAPIV3_1.ParameterObject[] {
  const { properties = {} } = describeSchemas({ query: schema }, "draft-2020-12").query;
  return Object.entries(properties as Record<string, JsonSchema>).map(([name, property]) => {
    const { description, pattern: _, ...described } = property;
    // The schema has the default as it stands in an address: as text.
    if (described.type === "integer" && described.default !== undefined)
      described.default = Number(described.default);
    const parameter = { name, in: "query", schema: described as ParameterSchema };
    return description === undefined ? parameter : { ...parameter, description };
  });
}
