/**
 * Whether readers of URLs may take the path for different ones: it has a segment `.` or `..`, plain or escaped any number
 * of times, or a backslash, which `URL` takes for a slash.
 *
 * @param url as it was sent: workerd leaves it as it is, while `new Request` does not (November 2026)
 */
export function isAmbiguous(url: string): boolean {
  const [, path = ""] = /^[a-z]+:\/\/[^/\\?#]*([^?#]*)/i.exec(url) ?? [];
  const segments = decodedOften(path).split(/[/\\]/);
  return /[\\\t\r\n]/.test(path) || segments.some((segment) => /^\.{1,2}(?:;|$)/.test(segment));
}

/** With dots, slashes, backslashes and percent signs as a reader has them that decodes any number of times. */
function decodedOften(path: string): string {
  const once = path
    .replaceAll(/%2e/gi, ".")
    .replaceAll(/%2f/gi, "/")
    .replaceAll(/%5c/gi, "\\")
    .replaceAll("%25", "%");
  return once === path ? path : decodedOften(once);
}
