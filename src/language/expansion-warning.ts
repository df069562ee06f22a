import type { FragmentId } from "./fragment-id.ts";

/** Why an inclusion could not be resolved, or a variable not filled. */
export type WarningCode = keyof typeof SENTENCES;

/** Something in a text that could not be resolved, and where it stands. */
export interface ExpansionWarning {
  readonly code: WarningCode;
  /** The name as it was written, in the old grammar without one `.md` unless that belongs to it; with the version or section that is missing; for a limit, its number. */
  readonly subject: string;
  /** The fragment in whose text it stands; null: the content that was given without an id. */
  readonly fragment: FragmentId | null;
  /** There, in UTF-16 code units. */
  readonly range: { readonly from: number; readonly to: number };
  /** The fragments whose inclusion led there, outermost first. */
  readonly chain: readonly FragmentId[];
}

/** A sentence for people. */
export function describeWarning({ code, subject }: Pick<ExpansionWarning, "code" | "subject">): string {
  return SENTENCES[code](subject);
}

const SENTENCES = {
  not_found: (name: string) => `There is no fragment '${name}'.`,
  invalid_name: (name: string) => `'${name}' cannot be the name of a fragment.`,
  section_not_found: (name: string) => `There is no section '${name}'.`,
  version_not_found: (name: string) => `There is no version '${name}'.`,
  self_reference: (name: string) => `'${name}' is the fragment that is being expanded.`,
  cycle: (name: string) => `'${name}' is being included already, so it would include itself.`,
  depth_limit: (limit: string) => `Inclusions more than ${limit} deep are not resolved.`,
  fragment_limit: (limit: string) => `Inclusions of more than ${limit} distinct fragments are not resolved.`,
  inclusion_limit: (limit: string) => `Inclusions after the first ${limit} are not resolved.`,
  value_limit: (limit: string) => `Variables after the first ${limit} that have a value are not filled.`,
  output_limit: (limit: string) =>
    `From here on nothing is put in, since the text would have more than ${limit} bytes.`,
};

export const WARNING_CODES = Object.keys(SENTENCES) as readonly WarningCode[]; // its own keys

/** The old system's sentence, which is part of its contract. */
export function describeAsBefore({ code, subject }: Pick<ExpansionWarning, "code" | "subject">): string {
  return OLD_SENTENCES[code](subject);
}

const OLD_SENTENCES: Readonly<Record<WarningCode, (subject: string) => string>> = {
  not_found: (name) => `Prompt not found: '${name}'`,
  invalid_name: (name) => `Prompt not found: '${name}'`,
  section_not_found: (name) => `Prompt not found: '${name}'`,
  version_not_found: (name) => `Prompt not found: '${name}'`,
  self_reference: (name) => `Self-reference detected: Prompt '${name}' would create a circular reference`,
  cycle: (name) =>
    `Circular dependency detected: '${name}' has already been included in this expansion chain`,
  depth_limit: () => "Maximum inclusion depth reached, stopping recursion",
  fragment_limit: (limit) =>
    `Fragment limit reached: inclusions of more than ${limit} distinct fragments are left as written`,
  inclusion_limit: (limit) =>
    `Inclusion limit reached: inclusions after the first ${limit} are left as written`,
  value_limit: (limit) => `Variable limit reached: variables after the first ${limit} are left as written`,
  output_limit: (limit) =>
    `Output limit reached: inclusions that take the text beyond ${limit} bytes, and those after, are left as written`,
};

/** The old system's notice in place of an inclusion; null for a limit, at which inclusions stay as written. */
export function oldNotice({ code, subject }: Pick<ExpansionWarning, "code" | "subject">): string | null {
  switch (code) {
    case "not_found":
    case "invalid_name":
    case "section_not_found":
    case "version_not_found":
      return `[[PROMPT NOT FOUND: ${subject}]]`;
    case "self_reference":
      return `[[SELF-REFERENCE: ${subject}]]`;
    case "cycle":
      return `[[CIRCULAR DEPENDENCY: ${subject}]]`;
    case "depth_limit":
    case "fragment_limit":
    case "inclusion_limit":
    case "value_limit":
    case "output_limit":
      return null;
  }
}
