import { expect, test } from "vitest";
import { browserName } from "../../src/worker/access/sign-in/browser-name.ts";

const CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";

test.each([
  ["Firefox on Linux", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"],
  ["Chrome on Windows", `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${CHROME}`],
  ["Chrome on Android", `Mozilla/5.0 (Linux; Android 10; K) ${CHROME}`],
  ["Edge on Windows", `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${CHROME} Edg/140.0.0.0`],
  ["Opera on Mac", `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${CHROME} OPR/120.0.0.0`],
  [
    "Safari on iPhone",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
  ],
  [
    "Chrome on iPad",
    "Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0 Mobile/15E148 Safari/604.1",
  ],
  ["Unknown browser", "curl/8.5.0"],
  ["Unknown browser", ""],
  ["Unknown browser on Linux", `Linux ${"x".repeat(10_000)}`],
])("[BROWSER-4] a browser is listed as %s, when it calls itself %s", (name, userAgent) => {
  expect(browserName(userAgent)).toBe(name);
});
