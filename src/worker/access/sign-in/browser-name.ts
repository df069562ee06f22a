/** The name of a program or system, and what a user agent has in it. The first that fits counts: some name others, too. */
type Names = readonly (readonly [name: string, token: RegExp])[];

const BROWSERS: Names = [
  ["Edge", /\bEdgA?\//],
  ["Opera", /\bOPR\//],
  ["Firefox", /\b(?:Firefox|FxiOS)\//],
  ["Chrome", /\b(?:Chrome|CriOS)\//],
  ["Safari", /\bSafari\//],
];

const SYSTEMS: Names = [
  ["Android", /\bAndroid\b/],
  ["iPhone", /\biPhone\b/],
  ["iPad", /\biPad\b/],
  ["Windows", /\bWindows\b/],
  ["Mac", /\bMac OS X\b/],
  ["ChromeOS", /\bCrOS\b/],
  ["Linux", /\bLinux\b/],
];

/** A user agent in a few words, such as "Firefox on Linux", by which a person recognises the own browser. */
export function browserName(userAgent: string): string {
  const browser = nameOf(BROWSERS, userAgent) ?? "Unknown browser";
  const system = nameOf(SYSTEMS, userAgent);
  return system === null ? browser : `${browser} on ${system}`;
}

function nameOf(names: Names, userAgent: string): string | null {
  return names.find(([, token]) => token.test(userAgent))?.[0] ?? null;
}
