/** What the deployment adds to the variables of wrangler.toml: `wrangler secret put`. */
interface Env {
  readonly AUTH_SECRET?: string;
  readonly AUTH_SECRET_OLD?: string;
}
