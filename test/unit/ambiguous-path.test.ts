import { expect, test } from "vitest";
import { isAmbiguous } from "../../src/protocol/ambiguous-path.ts";
import { AMBIGUOUS_PATHS, PLAIN_PATHS } from "../support/hostile-paths.ts";

test.each(AMBIGUOUS_PATHS)("[REST-28] %s is ambiguous", (path) => {
  for (const host of ["http://localhost", "https://prompts.example:8443", "http://[::1]:80"])
    expect(isAmbiguous(host + path)).toBe(true);
});

test.each([...PLAIN_PATHS, "", "/", "/?..", "/v1/fragments/\u2024\u2024/a"])(
  "[REST-28] %s is not ambiguous",
  (path) => {
    expect(isAmbiguous(`http://localhost${path}`)).toBe(false);
  },
);

test("[REST-28] a host with dots is not a part of the path", () => {
  expect(isAmbiguous("http://../v1/tags")).toBe(false);
  expect(isAmbiguous("http://a.example")).toBe(false);
});
