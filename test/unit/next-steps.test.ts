import { expect, test } from "vitest";
import { describeNextSteps } from "../../tools/dev/next-steps.ts";

test.for([
  { url: "http://localhost:8081", seed: "npm run seed" },
  { url: "http://127.0.0.1:8081", seed: "npm run seed" },
  { url: "http://localhost:8090", seed: "npm run seed -- --url http://localhost:8090" },
  { url: "http://192.0.2.1:8081", seed: "npm run seed -- --url http://192.0.2.1:8081" },
  { url: "http://[::1]:8081", seed: "npm run seed -- --url http://[::1]:8081" },
])("[CLI-5] the next step is $seed, when the server is up at $url", ({ url, seed }) => {
  const steps = describeNextSteps(url).split("\n");
  expect(steps).toContain(`  samples  ${seed}`);
  const { host } = new URL(url);
  const addresses = steps.flatMap((line) => line.match(/(?:http|ws):\/\/[^/ ]+/) ?? []);
  expect(new Set(addresses.map((address) => new URL(address).host))).toEqual(new Set([host]));
});
