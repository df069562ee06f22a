/**
 * Runs the code blocks of one page in order, as a reader who does what the page says: in a folder that looks like a
 * checkout, against a server of its own with a storage of its own. A block that fails names its line.
 *
 * | block | effect |
 * | --- | --- |
 * | `sh` | run by bash; commands of `substitutes` are checked instead |
 * | `sh terminal=NAME` | the same in the background, until the page ends or `<!-- test: stop NAME -->` |
 * | `text`, `json` | what the `sh` block before has printed; see printed-pattern.ts |
 * | `text terminal=NAME` | what that terminal has printed by now, or soon |
 * | `console NAME` | a JSON socket; see wscat-session.ts |
 * | `js FILE`, `html FILE`, `python FILE` | saved as that file, which a later command must name |
 * | `toml FILE` | appended to that file of the checkout |
 *
 * `<!-- test: stop NAME -->` ends a socket, too. `<!-- test: sh`, lines, `-->` is a block that readers do not see.
 * `<!-- test: browser NAME SELECTOR FILE undo -->` opens what the terminal serves in two browsers.
 */
import { randomBytes } from "node:crypto";
import { cp, readdir, symlink, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { type ServerProcess, startServer } from "../../tools/dev/server-process.ts";
import { PROJECT_DIR } from "../../tools/dev/wrangler-command.ts";
import { freePort } from "./free-port.ts";
import { type Block, readBlocks } from "./markdown-blocks.ts";
import { jsonFault, textFault } from "./printed-pattern.ts";
import { Terminal } from "./terminal.ts";
import { WscatSession } from "./wscat-session.ts";

/** A command that no test can run, and its replacement. */
export interface Substitute {
  readonly command: RegExp;
  readonly because: string;
  /** Checks what can be checked. What it returns counts as printed. */
  check(
    command: string,
    at: { readonly server: string; readonly checkout: string },
  ): Promise<string> | string;
}

/** An editor's page to be opened in two browsers at once. */
export interface BrowserScene {
  readonly pageUrl: string;
  /** Where to type. */
  readonly selector: string;
  readonly serverUrl: string;
  /** Its undo takes back only typing in the same window. */
  readonly hasOwnUndo: boolean;
}

export interface StoryRules {
  readonly substitutes: readonly Substitute[];
  readonly openInBrowsers: (scene: BrowserScene) => Promise<void>;
  /** Blocks of other languages, by `LANGUAGE WORD`. */
  readonly others?: Readonly<Record<string, (text: string) => void>>;
}

/** Of a checkout, what commands of a page may change: copied, not linked. */
const COPIED = ["wrangler.toml"];
/** What a fresh checkout has not. */
const ABSENT = ["build", ".wrangler", ".git", "coverage"];

/** Of the page's server, so that it can sign tokens. */
const SECRETS = { AUTH_SECRET: randomBytes(32).toString("base64") };

const ADDRESS = /\b(?:localhost|127\.0\.0\.1):8081\b/g;

/**
 * @param dir an empty folder, which the caller removes
 * @param dataDir the storage of the page's server; absent: an empty one below `dir`
 */
export async function runPage(
  markdown: string,
  dir: string,
  rules: StoryRules,
  dataDir = join(dir, "data"),
): Promise<void> {
  const blocks = readBlocks(markdown);
  if (blocks.length === 0) return;
  const story = await Story.begin(blocks, dir, dataDir, rules);
  try {
    for (const block of blocks) {
      try {
        await story.tell(block);
      } catch (error) {
        throw new Error(`line ${block.line} (${block.language}): ${(error as Error).message}`, {
          cause: error,
        });
      }
    }
    story.finish();
  } finally {
    await story.end();
  }
}

class Story {
  readonly #checkout: string;
  readonly #rules: StoryRules;
  readonly #server: ServerProcess | null;
  /** Where the page's server is, or will be once a command of the page has started it. */
  readonly #authority: string;
  readonly #terminals = new Map<string, Terminal>();
  readonly #sessions = new Map<string, WscatSession>();
  /** Saved files that no command has named yet. */
  readonly #unused = new Map<string, number>();
  #printed: string | null = null;

  private constructor(checkout: string, rules: StoryRules, server: ServerProcess | null, authority: string) {
    this.#checkout = checkout;
    this.#rules = rules;
    this.#server = server;
    this.#authority = authority;
  }

  static async begin(
    blocks: readonly Block[],
    dir: string,
    dataDir: string,
    rules: StoryRules,
  ): Promise<Story> {
    const checkout = join(dir, "prompt-manager");
    await cp(join(PROJECT_DIR, "package.json"), join(checkout, "package.json"));
    for (const entry of await readdir(PROJECT_DIR)) {
      const from = join(PROJECT_DIR, entry);
      if (ABSENT.includes(entry) || entry === "package.json") continue;
      if (COPIED.includes(entry)) await cp(from, join(checkout, entry));
      else await symlink(from, join(checkout, entry));
    }
    const servesItself = blocks.some(
      ({ language, text }) => language === "sh" && /^npm run serve/m.test(text),
    );
    const server = servesItself ? null : await startServer({ persistTo: dataDir, secrets: SECRETS });
    const authority = server === null ? `127.0.0.1:${await freePort()}` : new URL(server.url).host;
    return new Story(checkout, rules, server, authority);
  }

  async tell(block: Block): Promise<void> {
    const { language, words } = block;
    const [name = ""] = words.keys();
    const text = this.#addressed(block.text);
    switch (language) {
      case "sh":
        return this.#run(text, words.get("terminal"));
      case "text":
        if (words.has("terminal")) return this.#terminal(words.get("terminal")).shows(text);
        if (name === "") return this.#compare(textFault, text);
        break;
      case "json":
        return this.#compare(jsonFault, text);
      case "console":
        this.#sessions.set(name, await WscatSession.run(text, this.#sessions.get(name)));
        return;
      case "js":
      case "python":
      case "html":
        if (name === "") throw new Error("a file without a name");
        this.#markUsed(text); // by what imports it
        this.#unused.set(name, block.line);
        return writeFile(join(this.#checkout, name), text);
      case "toml":
        return writeFile(join(this.#checkout, name), `\n${text}\n`, { flag: "a" });
      case "stop":
        if (this.#sessions.has(name)) return this.#stopSession(name);
        return this.#terminal(name).stop(words.has("kill") ? "SIGKILL" : "SIGINT");
      case "browser":
        return this.#openInBrowsers(words);
    }
    const other = this.#rules.others?.[`${language} ${name}`];
    if (other === undefined) throw new Error("there is no rule for such a block");
    other(text);
  }

  /** Throws when something was left over. */
  finish(): void {
    for (const [file, line] of this.#unused) throw new Error(`line ${line}: no command uses ${file}`);
    for (const name of [...this.#sessions.keys()]) this.#stopSession(name);
  }

  async end(): Promise<void> {
    for (const session of this.#sessions.values()) session.close();
    await Promise.all([...this.#terminals.values()].map((terminal) => terminal.stop("SIGKILL")));
    await this.#server?.kill();
  }

  async #run(script: string, terminalName: string | undefined): Promise<void> {
    const lines: string[] = [];
    let substituted: string | null = null;
    for (const line of script.replaceAll("\\\n", " ").split("\n")) {
      const commands = line.replace(/\s+#.*$/, "").split(" && ");
      const substitutes = commands.map((one) =>
        this.#rules.substitutes.find(({ command }) => command.test(one.trim())),
      );
      if (substitutes.every((one) => one === undefined)) {
        // The packages are those of the checkout that is tested, by a link.
        if (/\bnpm (ci|i|install|update|uninstall)\b/.test(line))
          throw new Error(`"${line}" has no substitute`);
        lines.push(line);
        continue;
      }
      for (const [index, one] of substitutes.entries()) {
        const command = (commands[index] ?? "").trim();
        if (one === undefined)
          throw new Error(`"${command}" has no substitute, unlike what stands beside it`);
        substituted = (substituted ?? "") + (await one.check(command, this.#whereabouts()));
      }
    }
    this.#markUsed(script);
    if (substituted !== null && lines.every((line) => line.trim() === "")) {
      this.#printed = substituted;
      return;
    }
    const port = this.#authority.split(":")[1];
    const rewritten = lines
      .join("\n")
      .replaceAll(/npm run seed(?: --)?/g, `npm run seed -- --url http://${this.#authority}`)
      .replaceAll(/npm run serve(?: --)?/g, `npm run serve -- --port ${port}`);
    const terminal = new Terminal(rewritten, this.#surroundings());
    if (terminalName === undefined) {
      this.#printed = (substituted ?? "") + (await terminal.finish());
    } else {
      await this.#terminals.get(terminalName)?.stop("SIGKILL");
      this.#terminals.set(terminalName, terminal);
    }
  }

  /** Throws when it was sent more than the page shows. */
  #stopSession(name: string): void {
    const session = this.#sessions.get(name);
    session?.close();
    this.#sessions.delete(name);
    const unread = session?.unread ?? [];
    if (unread.length > 0) throw new Error(`the session ${name} was sent what is not shown: ${unread}`);
  }

  #compare(faultOf: (shown: string, printed: string) => string | null, shown: string): void {
    if (this.#printed === null) throw new Error("no command before it has printed anything");
    const fault = faultOf(shown, this.#printed);
    if (fault !== null) throw new Error(fault);
  }

  async #openInBrowsers(words: ReadonlyMap<string, string>): Promise<void> {
    const [name = "", selector = "", path = ""] = words.keys();
    this.#markUsed(path);
    const pageUrl = new URL(path, await this.#terminal(name).find(/Local:\s+(http\S+)/)).href;
    const serverUrl = `http://${this.#authority}`;
    await this.#rules.openInBrowsers({ pageUrl, selector, serverUrl, hasOwnUndo: words.has("undo") });
  }

  #markUsed(text: string): void {
    for (const file of this.#unused.keys()) if (text.includes(file)) this.#unused.delete(file);
  }

  #terminal(name = ""): Terminal {
    const terminal = this.#terminals.get(name);
    if (terminal === undefined) throw new Error(`there is no terminal "${name}"`);
    return terminal;
  }

  #addressed(text: string): string {
    return text.replaceAll(ADDRESS, this.#authority);
  }

  #whereabouts() {
    return { server: `http://${this.#authority}`, checkout: this.#checkout };
  }

  #surroundings() {
    const path = [dirname(process.execPath), process.env["PATH"] ?? ""].join(delimiter);
    // Vitest's own settings are nothing for the commands of a reader.
    const { NODE_OPTIONS: _options, ...env } = process.env;
    return { cwd: this.#checkout, env: { ...env, PATH: path, NO_COLOR: "1", npm_config_loglevel: "error" } };
  }
}
