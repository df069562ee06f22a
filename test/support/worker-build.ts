import type { BuildOptions } from "esbuild";

/** How esbuild bundles a worker as Wrangler does for production: `entry` and what it imports, into one module. */
export function workerBuild(entry: string, outfile: string): BuildOptions {
  return {
    entryPoints: [entry],
    outfile,
    bundle: true,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    logLevel: "error",
  };
}
