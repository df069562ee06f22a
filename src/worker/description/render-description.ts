import { html } from "hono/html";

/** A piece of HTML in which everything foreign is escaped. */
export type Html = ReturnType<typeof html>;

/**
 * The little Markdown that the descriptions are written in: `## ` headings, `- ` lists, paragraphs, and code in
 * backticks. Everything else is text.
 */
export function renderDescription(text: string): Html[] {
  return text.split(/\n{2,}/).map((block) => {
    if (block.startsWith("## ")) return html`<h3>${block.slice(3)}</h3>`;
    if (!block.startsWith("- ")) return html`<p>${renderInline(block)}</p>`;
    const items = block.split("\n").map((line) => html`<li>${renderInline(line.slice(2))}</li>`);
    return html`<ul>${items}</ul>`;
  });
}

/** Text with code in backticks. */
export function renderInline(text: string): (Html | string)[] {
  return text.split("`").map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part));
}
