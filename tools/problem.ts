import * as v from "valibot";

const ProblemSchema = v.pipe(v.string(), v.parseJson(), v.object({ detail: v.string() }));

/** The detail of a problem+json answer (RFC 9457), or the beginning of an answer that is not of our server. */
export function describeProblem(body: string): string {
  const parsed = v.safeParse(ProblemSchema, body);
  return parsed.success ? parsed.output.detail : body.slice(0, 200);
}
