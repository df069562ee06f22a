import type { Context } from "hono";
import type { FragmentId } from "../../language/fragment-id.ts";
import type { Fragment } from "../../protocol/fragment.ts";
import type { AppEnv } from "../http/app-env.ts";
import { fragmentObject } from "../http/objects.ts";
import { inGroups } from "../in-groups.ts";

/** Ids, as the catalogue gives them. */
type Pages = Iterable<readonly string[]> | AsyncIterable<readonly string[]>;

/**
 * Answers with a JSON array of these fragments, each as it is now, written as they are read: ten thousand do not fit
 * into memory. One that is gone meanwhile is left out. What fails before the first of them is told by a status, what
 * fails later breaks the connection off, so that half a list is never taken for a whole one.
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
    for await (const fragments of inGroups(ids, (id) => read(c, id))) {
      let text = "";
      for (const fragment of fragments) {
        if (fragment === null) continue;
        text += before + JSON.stringify(show(fragment));
        before = ",";
      }
      yield text;
    }
  }
  yield before === "[" ? "[]" : "]";
}

function read(c: Context<AppEnv>, id: string): Promise<Fragment | null> {
  return fragmentObject(c, id as FragmentId).read(); // a fragment's own word to the catalogue
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
