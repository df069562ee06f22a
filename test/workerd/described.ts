import { exports } from "cloudflare:workers";
import { Validator } from "@cfworker/json-schema";
import type { OpenAPIV3_1 } from "openapi-types";
import { EXAMPLES } from "../../src/worker/description/examples.ts";
import { freshId, request } from "./connect.ts";

/** The description that the worker serves, as the tests go through it. */

export interface DescribedOperation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly OpenAPIV3_1.ParameterObject[];
  readonly requestBody: OpenAPIV3_1.RequestBodyObject | null;
  readonly responses: Readonly<Record<string, OpenAPIV3_1.ResponseObject>>;
}

export class Description {
  readonly operations: readonly DescribedOperation[];
  /** The schemas that the operations name. */
  readonly schemas: Readonly<Record<string, JsonNode>>;

  private constructor(document: OpenAPIV3_1.Document) {
    this.schemas = (document.components?.schemas ?? {}) as Record<string, JsonNode>; // JSON Schema, both
    this.operations = Object.entries(document.paths ?? {}).flatMap(([path, methods]) =>
      Object.entries(methods ?? {}).map(([method, found]) => {
        const operation = found as OpenAPIV3_1.OperationObject; // a path of ours has nothing else
        return {
          id: operation.operationId ?? "",
          method: method.toUpperCase(),
          path,
          parameters: (operation.parameters ?? []) as OpenAPIV3_1.ParameterObject[], // nowhere a reference
          requestBody: (operation.requestBody ?? null) as OpenAPIV3_1.RequestBodyObject | null,
          responses: operation.responses as Record<string, OpenAPIV3_1.ResponseObject>,
        };
      }),
    );
  }

  static async load(): Promise<Description> {
    const answer = await request("GET", "/openapi.json");
    return new Description(await answer.json<OpenAPIV3_1.Document>());
  }

  operation(id: string): DescribedOperation {
    const found = this.operations.find((one) => one.id === id);
    if (found === undefined) throw new Error(`The description has no operation ${id}`);
    return found;
  }

  /** What is wrong with an answer by the description of its operation; nothing when it is as described. */
  async faults(operation: DescribedOperation, answer: Response): Promise<string[]> {
    const described = operation.responses[answer.status];
    if (described === undefined) {
      return [`${operation.id} answers ${answer.status}, which is not described: ${await answer.text()}`];
    }
    const faults: string[] = [];
    const type = answer.headers.get("Content-Type")?.split(";")[0] ?? null;
    const content = described.content ?? {};
    if (type === null) {
      if (Object.keys(content).length > 0) faults.push("there is no body");
      await answer.body?.cancel();
    } else if (content[type] === undefined) {
      faults.push(`the body is ${type}`);
      await answer.body?.cancel();
    } else if (type.endsWith("json")) {
      const schema = content[type].schema as object; // ours have one
      const { errors } = this.#validator(schema).validate(await answer.json());
      faults.push(...errors.map(({ instanceLocation, error }) => `${instanceLocation} ${error}`));
    } else await answer.body?.cancel();
    return faults;
  }

  /** For values of a schema that refers to others of the description. */
  #validator(schema: object): Validator {
    const text = JSON.stringify({ ...schema, $defs: this.schemas });
    return new Validator(JSON.parse(text.replaceAll("#/components/schemas/", "#/$defs/")), "2020-12", false);
  }
}

/** A JSON Schema, as far as `openObjects` looks at it. */
export interface JsonNode {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, JsonNode>>;
  readonly additionalProperties?: unknown;
  readonly items?: JsonNode;
  readonly anyOf?: readonly JsonNode[];
  readonly allOf?: readonly JsonNode[];
}

/** Where a schema describes an object that may have any other field. */
export function openObjects(
  schema: JsonNode,
  named: Readonly<Record<string, JsonNode>>,
  path = "here",
): string[] {
  const { $ref, properties = {}, anyOf = [], allOf = [], items } = schema;
  const isOpen = schema.properties !== undefined && schema.additionalProperties !== false;
  const name = $ref?.split("/").at(-1);
  return [
    ...(isOpen ? [path] : []),
    ...(name === undefined ? [] : openObjects(named[name] ?? {}, named, name)),
    ...Object.entries(properties).flatMap(([field, one]) => openObjects(one, named, `${path}.${field}`)),
    ...[...anyOf, ...allOf, ...(items === undefined ? [] : [items])].flatMap((one) =>
      openObjects(one, named, path),
    ),
  ];
}

export interface ExampleRequest {
  readonly name: string;
  readonly path: string;
  readonly body: unknown;
}

/** Where the examples' fragments are. */
const FOLDER = "team/";

/** The requests that the description gives as examples: one for each body, or one without. */
export function exampleRequests({ path, parameters, requestBody }: DescribedOperation): ExampleRequest[] {
  let address = path;
  for (const parameter of parameters) {
    if (parameter.in === "path")
      address = address.replace(`{${parameter.name}}`, encodeURIComponent(String(parameter.example)));
  }
  const examples = Object.entries(requestBody?.content["application/json"]?.examples ?? {});
  if (examples.length === 0) return [{ name: "no body", path: address, body: undefined }];
  return examples.map(([name, example]) => ({
    name,
    path: address,
    body: (example as OpenAPIV3_1.ExampleObject).value,
  }));
}

/** Makes the fragments, keys and the like that the examples speak of, in a folder of their own, and the same request on those. */
export async function prepareExample({ name, path, body }: ExampleRequest): Promise<ExampleRequest> {
  const folder = `${freshId()}/`;
  for (const { id, ...fragment } of [EXAMPLES.fragment, EXAMPLES.included]) {
    const made = { ...fragment, id: id.replace(FOLDER, folder) };
    await request("POST", "/v1/fragments", made);
  }
  const moved: unknown =
    body === undefined ? body : JSON.parse(JSON.stringify(body).replaceAll(FOLDER, folder));
  const [named] = Object.keys(MAKE_NAMED).filter((prefix) => path.startsWith(prefix));
  const address = named === undefined ? path : named + (await MAKE_NAMED[named]?.());
  return { name, path: address.replace(encodeURIComponent(FOLDER), encodeURIComponent(folder)), body: moved };
}

/** Makes what an example names whose address begins so. Each returns its id. */
const MAKE_NAMED: Readonly<Record<string, () => Promise<string>>> = {
  "/v1/keys/": () => makeNamed("/v1/keys", { name: "example", role: "editor" }),
  "/v1/invitations/": () => makeNamed("/v1/invitations", { user: { name: "Anna" }, role: "editor" }),
  "/v1/sessions/": makeExampleSession,
};

async function makeNamed(path: string, body: object): Promise<string> {
  const made = await request("POST", path, body);
  return (await made.json<{ id: string }>()).id;
}

async function makeExampleSession(): Promise<string> {
  const me = await request("GET", "/v1/me", undefined, { Cookie: await signInAnna() });
  return (await me.json<{ session: string }>()).session;
}

/** The cookie of a browser in which somebody has signed in. */
export async function signInAnna(): Promise<string> {
  const body = { user: { name: "Anna" }, role: "editor" };
  const made = await request("POST", "/v1/invitations", body);
  const { link } = await made.json<{ link: string }>();
  const signedIn = await exports.default.fetch("http://localhost/sign-in", {
    method: "POST",
    headers: { Origin: "http://localhost" },
    body: new URLSearchParams({ invitation: link }),
    redirect: "manual",
  });
  return signedIn.headers.get("Set-Cookie")?.split(";")[0] ?? "";
}

/** The codes of errors that an operation names, with their status. */
export function describedErrors({ responses }: DescribedOperation): [status: number, code: string][] {
  return Object.entries(responses)
    .filter(([status]) => Number(status) >= 400)
    .flatMap(([status, { description }]) =>
      Array.from(description.matchAll(/`(\w+)`/g), ([, code]): [number, string] => [
        Number(status),
        code ?? "",
      ]),
    );
}
