/**
 * One editor as a process of its own: `editor-process.ts (stock|json) SERVER_URL ID NAME COUNT`. It inserts COUNT
 * tokens `NAME:n;` one after the other, and goes on listening. Prints the text once it holds as many tokens as
 * `expects=` on its standard input says, and ends.
 */
import { createInterface } from "node:readline";
import { connectJson } from "./live-clients.ts";
import { StockEditor } from "./stock-editor.ts";

const [kind, serverUrl = "", id = "", name = "", count = "0"] = process.argv.slice(2);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const tokens = Array.from({ length: Number(count) }, (_, index) => `${name}:${index};`);

console.log("ready");
await lines.next(); // the parent lets all editors go at once
const text = kind === "stock" ? await editAsStock() : await editAsJson();
console.log(JSON.stringify(text));
process.exit(0);

async function expectedTokens(): Promise<number> {
  const { value } = await lines.next();
  return Number(value);
}

function countTokens(text: string): number {
  return text.split(";").length - 1;
}

async function editAsStock(): Promise<string> {
  const editor = new StockEditor(serverUrl, id);
  await editor.synced();
  for (const token of tokens) {
    editor.text.insert(0, token);
    await new Promise((settle) => setImmediate(settle)); // others' edits come in between
  }
  const expected = await expectedTokens();
  await new Promise<void>((settle) => {
    const look = () => {
      if (countTokens(editor.text.toString()) >= expected) settle();
    };
    editor.doc.on("update", look);
    look();
  });
  const text = editor.text.toString();
  editor.destroy();
  return text;
}

async function editAsJson(): Promise<string> {
  const { client } = await connectJson(serverUrl, `/v1/ws/${id}`);
  let { content, version } = await client.next("initial");
  for (const [index, token] of tokens.entries()) {
    const changes = [{ from: 0, to: 0, insert: token }];
    const status = await client.request({
      action: "edit",
      base_version: version,
      changes,
      request_id: String(index),
    });
    if (status.action !== "update_status") throw new Error(JSON.stringify(status));
    content = status.content ?? token + content;
    version = status.version;
  }
  const expected = await expectedTokens();
  while (countTokens(content) < expected) {
    const frame = await client.next("update");
    if ("content" in frame && frame.version > version) ({ content, version } = frame);
  }
  return content;
}
