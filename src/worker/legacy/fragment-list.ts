import type { Context } from "hono";
import type { FragmentId } from "../../language/fragment-id.ts";
import type { Fragment } from "../../protocol/fragment.ts";
import type { AppEnv } from "../http/app-env.ts";
import { fragmentsOf } from "../http/objects.ts";

/** Ids, as the catalogue gives them. */
type Pages = Iterable<readonly string[]> | AsyncIterable<readonly string[]>;

/**
 * Answers with a JSON array of these fragments, each as it is now. They are written as they are read, because ten
 * thousand do not fit into memory. A fragment that has gone meanwhile is left out. A failure before the first group
 * gives an error status; a later one breaks off the connection, so that half a list is never taken for a whole one.
 */
export async function answerList(
  c: Context<AppEnv>,
  pages: Pages,
  show: (fragment: Fragment) => object,
): Promise<Response> {
  const texts = arrayText(c, pages, show);
  const first = await texts.next();
  return c.body(toStream(first, texts), 200, { "Content-Type": "application/json" });
}

async function* arrayText(
  c: Context<AppEnv>,
  pages: Pages,
  show: (fragment: Fragment) => object,
): AsyncGenerator<string, void> {
  let before = "[";
  for await (const ids of pages) {
    // The ids come from the fragments themselves.
    for await (const fragments of fragmentsOf(c).readAll(ids as readonly FragmentId[])) {
      let text = "";
      for (const fragment of fragments) {
        text += before + JSON.stringify(show(fragment));
        before = ",";
      }
      yield text;
    }
  }
  yield before === "[" ? "[]" : "]";
}

function toStream(first: IteratorResult<string, void>, others: AsyncGenerator<string, void>): ReadableStream {
  const encoder = new TextEncoder();
  let ahead: typeof first | null = first;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = ahead ?? (await others.next());
      ahead = null;
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    async cancel() {
      await others.return();
    },
  });
}
