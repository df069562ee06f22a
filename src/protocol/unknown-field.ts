import type * as v from "valibot";
import { nearestName } from "./nearest-name.ts";

/** Elements of a list that are looked at. The longest valid list has this many. */
const MAX_ELEMENTS = 10_000;

/** Where an object has a field that its schema does not know. */
export interface UnknownField {
  /** With the names of the fields and lists around it, joined by dots. */
  readonly path: string;
  readonly name: string;
  /** The fields that the object may have. */
  readonly known: readonly string[];
}

/** The parts of Valibot's schemas that the search looks at. */
interface SchemaNode {
  readonly kind: string;
  readonly type: string;
  /** Of an object. */
  readonly entries?: Readonly<Record<string, SchemaNode>>;
  /** Of a list. */
  readonly item?: SchemaNode;
  /** Of a value that may be absent or null. */
  readonly wrapped?: SchemaNode;
  /** The schemas and checks that a value goes through. The first one is this schema without its pipe. */
  readonly pipe?: readonly SchemaNode[];
}

/**
 * The first field of the input that its schema of strict objects does not know; null if there is none. Valibot would find
 * it too, but only together with all other faults, and a hostile input may have very many.
 */
export function findUnknownField(schema: v.GenericSchema, input: unknown): UnknownField | null {
  return find(schema as unknown as SchemaNode, input, ""); // every schema has these parts, or lacks them

  function find(node: SchemaNode, value: unknown, path: string): UnknownField | null {
    if (node.pipe !== undefined) {
      const schemas = node.pipe.filter(({ kind }) => kind === "schema");
      return firstOf(schemas, (one) => find(one, value, path));
    }
    if (node.wrapped !== undefined) return find(node.wrapped, value, path);
    if (node.item !== undefined) {
      const { item } = node;
      if (!Array.isArray(value)) return null;
      const looked = value.slice(0, MAX_ELEMENTS);
      return firstOf(looked.entries(), ([index, one]) => find(item, one, `${path}${index}.`));
    }
    const { entries } = node;
    if (entries === undefined || typeof value !== "object" || value === null) return null;
    if (node.type === "strict_object") {
      for (const name in value)
        if (!Object.hasOwn(entries, name)) return { path: path + name, name, known: Object.keys(entries) };
    }
    const fields = value as Readonly<Record<string, unknown>>;
    return firstOf(Object.entries(entries), ([name, one]) => find(one, fields[name], `${path}${name}.`));
  }
}

function firstOf<T>(all: Iterable<T>, find: (one: T) => UnknownField | null): UnknownField | null {
  for (const one of all) {
    const found = find(one);
    if (found !== null) return found;
  }
  return null;
}

/** Says that a name is unknown, and names the nearest known one. The text follows the name in a sentence. */
export function unknownName(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  if (nearest !== null) return `is not known; did you mean \`${nearest}\`?`;
  if (known.length === 0) return "is not known; nothing is known here";
  return `is not known; known here: ${known.map((one) => `\`${one}\``).join(", ")}`;
}
