/**
 * Expansion in the most obvious way: one recursion with the regular expression, no levels, no budgets but the depth.
 * Shares no code with the real one, the id rule included: it knows only the names that the random graphs write.
 */

export interface NaiveInput {
  readonly content: string;
  readonly root: string | null;
  readonly texts: Readonly<Record<string, string>>;
  readonly depth: number;
  readonly dropsExtension: boolean;
}

export interface NaiveExpansion {
  readonly expanded: string;
  readonly warnings: readonly string[];
  readonly dependencies: readonly string[];
}

export function expandNaively({ content, root, texts, depth, dropsExtension }: NaiveInput): NaiveExpansion {
  const warnings: string[] = [];
  const dependencies = new Set<string>();

  const warn = (warning: string, replacement: string): string => {
    warnings.push(warning);
    return replacement;
  };

  const recur = (text: string, chain: readonly string[]): string => {
    if (chain.length > depth) return warn("Maximum inclusion depth reached, stopping recursion", text);
    return text.replace(/\[\[([^\]]+)\]\]/g, (_, written: string) => {
      const idOf = (name: string) => name.replaceAll(" ", "_").normalize("NFC");
      const isExact = !dropsExtension && (idOf(written) === root || texts[idOf(written)] !== undefined);
      const name = isExact ? written : written.replace(/\.md$/, "");
      const id = idOf(name);
      if (id === root) {
        return warn(
          `Self-reference detected: Prompt '${name}' would create a circular reference`,
          `[[SELF-REFERENCE: ${name}]]`,
        );
      }
      if (chain.includes(id)) {
        return warn(
          `Circular dependency detected: '${name}' has already been included in this expansion chain`,
          `[[CIRCULAR DEPENDENCY: ${name}]]`,
        );
      }
      const included = texts[id];
      if (included === undefined) return warn(`Prompt not found: '${name}'`, `[[PROMPT NOT FOUND: ${name}]]`);
      dependencies.add(id);
      return recur(included, [...chain, id]);
    });
  };

  const expanded = recur(content, []);
  return { expanded, warnings, dependencies: [...dependencies] };
}
