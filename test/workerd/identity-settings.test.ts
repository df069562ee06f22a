/** The variables that configure an identity provider, and the rules for its people. */
import { describe, expect, test } from "vitest";
import { assign, parseIdentityRules } from "../../src/worker/access/identity/identity-rules.ts";
import {
  type IdentityVars,
  parseIdentitySettings,
} from "../../src/worker/access/identity/identity-settings.ts";

const GOOD = {
  IDENTITY_ISSUER: "https://team.cloudflareaccess.com",
  IDENTITY_AUDIENCE: "tag-1, tag-2",
  IDENTITY_JWKS_URL: "https://team.cloudflareaccess.com/cdn-cgi/access/certs",
  IDENTITY_HEADER: "Cf-Access-Jwt-Assertion",
  IDENTITY_RULES: '[{"when": {}, "workspace": "default", "role": "viewer"}]',
};

/** The sentence of the refusal; null if the settings are taken. */
function faultOf(vars: IdentityVars): string | null {
  const settings = parseIdentitySettings(vars);
  if (settings.ok) return null;
  expect(settings.refusal.code).toBe("not_configured");
  return settings.refusal.message;
}

/** The role that the first rule gives which applies. Each condition has a rule, and the first has the highest role. */
function roleOf(claims: object, ...conditions: object[]): string | null {
  const roles = ["admin", "editor", "viewer"];
  const rules = conditions.map((when, at) => ({ when, workspace: "default", role: roles[at] }));
  const parsed = parseIdentityRules(JSON.stringify(rules));
  if (!parsed.ok) throw new Error(parsed.refusal.message);
  return assign(parsed.value, { ...claims })?.role ?? null;
}

describe("the settings", () => {
  test("[IDP-6] they are read, when they are whole", () => {
    const settings = parseIdentitySettings(GOOD);
    expect(settings).toMatchObject({
      value: {
        issuer: GOOD.IDENTITY_ISSUER,
        audiences: ["tag-1", "tag-2"],
        header: "Cf-Access-Jwt-Assertion",
        rules: [{ when: {}, workspace: "default", role: "viewer", prefixes: null }],
      },
    });
    expect(parseIdentitySettings({ ...GOOD, IDENTITY_HEADER: "" })).toMatchObject({
      value: { header: null },
    });
    expect(faultOf({ ...GOOD, IDENTITY_JWKS_URL: "http://127.0.0.1:8090/keys" })).toBeNull();
  });

  test("[IDP-6] there is no provider, when nothing or only blanks are set", () => {
    expect(parseIdentitySettings({})).toEqual({ ok: true, value: null });
    expect(parseIdentitySettings({ IDENTITY_ISSUER: " ", IDENTITY_RULES: "" })).toEqual({
      ok: true,
      value: null,
    });
  });

  test.each(["IDENTITY_ISSUER", "IDENTITY_AUDIENCE", "IDENTITY_JWKS_URL", "IDENTITY_RULES"] as const)(
    "[IDP-6] they are refused by name, when %s is missing",
    (name) => {
      const { [name]: _, ...rest } = GOOD;
      expect(faultOf(rest)).toContain(`${name}: is missing`);
      expect(faultOf({ ...GOOD, [name]: " " })).toContain(`${name}: is missing`);
    },
  );

  test("[IDP-6] they are refused, when there is only a header", () => {
    expect(faultOf({ IDENTITY_HEADER: "Cf-Access-Jwt-Assertion" })).toContain("IDENTITY_ISSUER: is missing");
  });

  test.each<[keyof IdentityVars, string]>([
    ["IDENTITY_AUDIENCE", " , "],
    ["IDENTITY_JWKS_URL", "http://login.example/keys"],
    ["IDENTITY_JWKS_URL", "login.example/keys"],
    ["IDENTITY_JWKS_URL", "http://127.0.0.1.evil.example/keys"],
    ["IDENTITY_HEADER", "Authorization"],
    ["IDENTITY_HEADER", "cookie"],
    ["IDENTITY_HEADER", "X-Jwt: a"],
    ["IDENTITY_RULES", "viewer"],
    ["IDENTITY_RULES", "[]"],
    ["IDENTITY_RULES", "{}"],
    ["IDENTITY_RULES", '[{"workspace": "default", "role": "viewer"}]'],
    ["IDENTITY_RULES", '[{"when": {}, "workspace": "Default", "role": "viewer"}]'],
    ["IDENTITY_RULES", '[{"when": {}, "workspace": "default", "role": "owner"}]'],
    ["IDENTITY_RULES", '[{"when": {}, "workspace": "default", "role": "viewer", "prefix": "a/"}]'],
    ["IDENTITY_RULES", '[{"when": {}, "workspace": "default", "role": "viewer", "prefixes": []}]'],
    ["IDENTITY_RULES", '[{"when": {"email": null}, "workspace": "default", "role": "viewer"}]'],
    ["IDENTITY_RULES", '[{"when": {"groups": []}, "workspace": "default", "role": "viewer"}]'],
  ])("[IDP-6] they are refused by name, when %s is %s", (name, value) => {
    expect(faultOf({ ...GOOD, [name]: value })).toMatch(new RegExp(`^${name}: `));
  });
});

describe("the rules", () => {
  test("[IDP-2] the first rule that applies decides; without one the person gets nothing", () => {
    const rules = [{ group: "a", team: "x" }, { group: "a" }, { group: "b" }];
    expect(roleOf({ group: "a", team: "x" }, ...rules)).toBe("admin");
    expect(roleOf({ group: "a", team: "y" }, ...rules)).toBe("editor");
    expect(roleOf({ group: "b", team: "x" }, ...rules)).toBe("viewer");
    expect(roleOf({ group: "c" }, ...rules)).toBeNull();
    expect(roleOf({}, ...rules)).toBeNull();
    expect(roleOf({}, {})).toBe("admin");
  });

  test.each<[object, object, boolean]>([
    [{ groups: ["a", "b"] }, { groups: "b" }, true],
    [{ groups: ["a", "b"] }, { groups: ["c", "b"] }, true],
    [{ groups: ["a", "b"] }, { groups: ["c", "d"] }, false],
    [{ groups: "ab" }, { groups: "a" }, false],
    [{ level: 3 }, { level: 3 }, true],
    [{ level: "3" }, { level: 3 }, false],
    [{ isStaff: true }, { isStaff: true }, true],
    [{ isStaff: "true" }, { isStaff: true }, false],
    [{ realm_access: { roles: ["prompts"] } }, { "realm_access.roles": "prompts" }, true],
    [{ "https://a.example/roles": ["prompts"] }, { "https://a.example/roles": "prompts" }, true],
    [{ name: "*" }, { name: "Ann" }, false],
    [{ name: "Ann" }, { name: "*" }, false],
    [{ name: null }, { name: "null" }, false],
    [{}, { toString: "x" }, false],
    [{}, { "constructor.name": "Object" }, false],
    [{}, { __proto__: "x" }, true],
  ])("[IDP-2] claims %j under the conditions %j: %s", (claims, when, isMet) => {
    expect(roleOf(claims, when)).toBe(isMet ? "admin" : null);
  });

  test.each<[object, string, boolean]>([
    [{ email: "Ann@Example.com" }, "ann@example.com", true],
    [{ email: "ann@example.com" }, "*@Example.com", true],
    [{ email: "ann@my-example.com" }, "*@example.com", false],
    [{ email: "ann@example.com.evil.example" }, "*@example.com", false],
    [{ email: '"@example.com"@evil.example' }, "*@example.com", false],
    [{ email: "ann@example.com", email_verified: true }, "*@example.com", true],
    [{ email: "ann@example.com", email_verified: false }, "*@example.com", false],
    [{ email: "ann@example.com", email_verified: "false" }, "ann@example.com", false],
    [{ email: ["ann@example.com"] }, "ann@example.com", false],
    [{ email: "*@example.com" }, "ann@example.com", false],
  ])("[IDP-3] claims %j under an address %s: %s", (claims, email, isMet) => {
    expect(roleOf(claims, { email })).toBe(isMet ? "admin" : null);
  });
});
