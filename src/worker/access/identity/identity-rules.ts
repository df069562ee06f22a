import * as v from "valibot";
import {
  parseWorkspace,
  ROLES,
  type Role,
  WORKSPACE_RULE,
  type Workspace,
} from "../../../protocol/access.ts";
import { type Result, refusal, refused } from "../../../protocol/errors.ts";
import { parseInput } from "../../../protocol/issues.ts";
import { MAX_IDENTITY_RULES } from "../../../protocol/limits.ts";
import { GivenPrefixesSchema } from "../../../protocol/prefixes.ts";

/**
 * The operator's rules for people of an identity provider: conditions on the claims of their token, and what these people
 * may do. The first rule whose conditions all hold decides. A person to whom no rule applies may do nothing.
 */

/** Any of the values will do. Texts, numbers and booleans are compared with the same kind only. */
const ValueSchema = v.union([v.string(), v.number(), v.boolean()]);
const ConditionSchema = v.union([ValueSchema, v.pipe(v.array(ValueSchema), v.minLength(1))]);

const RuleSchema = v.strictObject({
  /** By the name of a claim, or the path to one in claims that are objects, such as `realm_access.roles`. */
  when: v.record(v.string(), ConditionSchema),
  workspace: v.pipe(
    v.string(),
    v.check((name) => parseWorkspace(name) !== null, WORKSPACE_RULE),
    v.transform((name) => name as Workspace), // checked above
  ),
  role: v.picklist(ROLES),
  prefixes: v.optional(GivenPrefixesSchema, null),
});

const RulesSchema = v.pipe(v.array(RuleSchema), v.minLength(1), v.maxLength(MAX_IDENTITY_RULES));

export type IdentityRule = Readonly<v.InferOutput<typeof RuleSchema>>;

/** What a rule gives. */
export interface Assignment {
  readonly workspace: Workspace;
  readonly role: Role;
  readonly prefixes: readonly string[] | null;
}

export type Claims = Readonly<Record<string, unknown>>;

/** Parses the variable `IDENTITY_RULES`. */
export function parseIdentityRules(text: string): Result<readonly IdentityRule[]> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return refused(refusal("not_configured", "IDENTITY_RULES: must be a list in JSON."));
  }
  return parseInput(RulesSchema, json, "not_configured", "IDENTITY_RULES: ");
}

/** What the first rule that applies gives; null if none does. */
export function assign(rules: readonly IdentityRule[], claims: Claims): Assignment | null {
  const rule = rules.find(({ when }) =>
    Object.entries(when).every(([name, wanted]) => holds(claims, name, wanted)),
  );
  return rule === undefined ? null : { workspace: rule.workspace, role: rule.role, prefixes: rule.prefixes };
}

/** The address of a person; null if there is none that the provider stands for. */
export function verifiedEmail(claims: Claims): string | null {
  const { email, email_verified: isVerified } = claims;
  const isDenied = isVerified === false || isVerified === "false"; // some providers send texts
  return typeof email === "string" && !isDenied ? email.toLowerCase() : null;
}

type Value = v.InferOutput<typeof ValueSchema>;

function holds(claims: Claims, name: string, wanted: Value | readonly Value[]): boolean {
  const found = name === "email" ? verifiedEmail(claims) : claimOf(claims, name);
  const values: readonly unknown[] = Array.isArray(found) ? found : [found];
  const choices: readonly Value[] = typeof wanted === "object" ? wanted : [wanted];
  return choices.some((choice) => values.some((value) => fits(name, value, choice)));
}

function fits(name: string, value: unknown, choice: Value): boolean {
  if (name !== "email" || typeof choice !== "string") return value === choice;
  const email = choice.toLowerCase();
  // `*@example.com`: everybody there. The sign before the domain keeps `eve@my-example.com` out.
  if (email.startsWith("*@")) return typeof value === "string" && domainOf(value) === email.slice(2);
  return value === email;
}

function domainOf(email: string): string {
  return email.slice(email.lastIndexOf("@") + 1);
}

/** The claim of this name; if there is none, the one at this path. Only the token's own fields count. */
function claimOf(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  let at: unknown = claims;
  for (const step of name.split(".")) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, step)) return undefined;
    at = (at as Claims)[step]; // an object, as checked
  }
  return at;
}
