/** Whatever README.md and docs/*.md show is true: their code blocks are run, their lists are complete, their links lead somewhere. */
import { execFile, execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { SET_SECRET_COMMAND, secretFault } from "../../src/protocol/auth-secret.ts";
import { CLOSE } from "../../src/protocol/close-codes.ts";
import { ERROR_STATUS } from "../../src/protocol/errors.ts";
import { describeNextSteps } from "../../tools/dev/next-steps.ts";
import { PROJECT_DIR, wranglerCommand } from "../../tools/dev/wrangler-command.ts";
import { runPage, type StoryRules, type Substitute } from "../support/document-story.ts";
import { readBlocks } from "../support/markdown-blocks.ts";
import { withTemporaryDir } from "../support/temporary-dir.ts";
import { typeInTwoBrowsers } from "../support/two-browsers.ts";

const PAGES = ["README.md", "docs", "test/README.md"].flatMap((path) =>
  path.endsWith(".md")
    ? [path]
    : readdirSync(join(PROJECT_DIR, path), { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".md"))
        .map((name) => `${path}/${name}`),
);

const read = (path: string) => readFileSync(join(PROJECT_DIR, path), "utf8");
const packageJson: {
  scripts: Record<string, string>;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
} = JSON.parse(read("package.json"));

/** Commands of the pages that are not run as they stand. Each says why, and checks what it can. */
const SUBSTITUTES: readonly Substitute[] = [
  {
    command: /^npm ci$/,
    because: "it has run, or this test would not",
    check: () => "",
  },
  {
    command: /^git (clone|pull|fetch|checkout)\b/,
    because: "it needs the repository's address",
    check: () => "",
  },
  {
    command: /^npm run dev\b/,
    because: "it is slow to start; cold-start.test.ts runs it",
    check: (_command, { server }) => {
      expect(packageJson.scripts["dev"]).toBe("exec node tools/dev/dev.ts");
      return describeNextSteps(server);
    },
  },
  {
    command: /^npm (test|run check|run bench(:\w+)?)\b/,
    because: "it takes minutes, or is what runs this",
    check: (command) => {
      const [, run = "", script = ""] = command.split(" ");
      expect(packageJson.scripts).toHaveProperty([run === "run" ? script : run]);
      for (const [path] of command.matchAll(/\b(?:test|scripts)\/\S+/g)) {
        expect(existsSync(join(PROJECT_DIR, path)), path).toBe(true);
      }
      return "";
    },
  },
  {
    command: /^docker (build|run|exec) /,
    because:
      "there is no Docker in a test: that the image starts a command of ours, on the port that is published",
    check: (command) => {
      const dockerfile = read("Dockerfile");
      const [, script = "", options = ""] =
        /^ENTRYPOINT \["node", "(\S+\.ts)", (.*)\]$/m.exec(dockerfile) ?? [];
      for (const [, option = ""] of options.matchAll(/--([a-z-]+)/g))
        expect(read(script)).toContain(`--${option} `);
      for (const [, port] of command.matchAll(/:(\d+) /g)) expect(dockerfile).toContain(`EXPOSE ${port}`);
      return "";
    },
  },
  {
    command: /^npm init -y$/,
    because: "the folder of the test has a package.json",
    check: () => "",
  },
  {
    command: /^npm install [a-z@]/,
    because: "it needs the network; the same packages are dependencies here, exactly pinned",
    check: (command) => {
      for (const name of command.split(" ").slice(2)) {
        const [, bare = "", version] = /^(@?[^@]+)(?:@(.+))?$/.exec(name) ?? [];
        const installed = { ...packageJson.dependencies, ...packageJson.devDependencies }[bare];
        expect(installed, `${bare} is a dependency`).toBeDefined();
        expect(installed?.startsWith(version ?? ""), `${name}, installed ${installed}`).toBe(true);
      }
      return "";
    },
  },
  {
    command: /^npx wrangler deploy$/,
    because: "it needs an account: the same with --dry-run",
    check: async (_command, { checkout }) => {
      const { stdout, stderr } = await wrangler(["deploy", "--dry-run", "--outdir", "dry-run"], checkout);
      expect(stderr).not.toMatch(/unexpected|error/i);
      return stdout;
    },
  },
  {
    command: /^openssl rand -base64 32 \| tee auth-secret \| npx wrangler secret put AUTH_SECRET$/,
    because: "it needs an account: that the server names the same command, and would take the secret",
    check: (command) => {
      expect(SET_SECRET_COMMAND).toBe(command);
      const secret = execFileSync("openssl", ["rand", "-base64", "32"], { encoding: "utf8" });
      expect(secretFault(secret.trim())).toBeNull();
      return "";
    },
  },
  {
    command: /^npm run -s key -- --url https:/,
    because: "there is no such server: that the command takes these options",
    check: (command) => {
      for (const [, option] of command.matchAll(/--(\w[\w-]*)/g))
        expect(read("tools/access/key.ts")).toMatch(new RegExp(`"?${option}"?: \\w+\\(`));
      return "";
    },
  },
  {
    command: /^npx wrangler (login|tail|secret (?:put|delete) \w+|rollback|deployments list|versions list)$/,
    because: "it needs an account: that Wrangler has the command",
    check: async (command, { checkout }) => {
      const words = command.split(" ").slice(2);
      const { stdout } = await wrangler(
        [...words.slice(0, words[0] === "secret" ? 2 : 9), "--help"],
        checkout,
      );
      expect(stdout).toContain(`wrangler ${words.slice(0, words.length === 1 ? 1 : 2).join(" ")}`);
      return "";
    },
  },
];

/** The lines stand so in a comment of the file. */
function expectQuoted(text: string, file: string): void {
  const lines = (of: string) => of.split("\n").map((line) => line.replace(/^ \*/, "").trim());
  expect(lines(read(file))).toEqual(expect.arrayContaining(lines(text)));
}

const RULES: StoryRules = {
  substitutes: SUBSTITUTES,
  openInBrowsers: typeInTwoBrowsers,
  others: {
    "text grammar": (text) => {
      const comment = /\/\*\*([\s\S]*?)\*\//.exec(read("src/protocol/yjs-frames.ts"))?.[1] ?? "";
      const words = (line: string) => line.trim().split(/\s+/).slice(0, 3).join(" ");
      const shown = text.split("\n").map(words);
      const ours = comment.split("\n").map((line) => words(line.replace(/^ \*/, "")));
      const rules = ours.filter((line) => /^(query|push|saved|notice) = \d/.test(line));
      expect(rules).toHaveLength(4);
      expect(shown).toEqual(expect.arrayContaining(rules));
    },
    "text reference": (text) => expectQuoted(text, "src/language/reference.ts"),
    "text source-map": (text) => expectQuoted(text, "src/language/source-map.ts"),
    // No server here is wrong: that the words are those of a check.
    "text failed-check": (text) => {
      const title = /^ +✗ (.*) \(\d+ ms\)$/m.exec(text)?.[1];
      expect(read("tools/check/groups/concurrency.ts")).toContain(`"${title}": async`);
    },
    // There is no systemd in a test: that the command it starts is one of ours.
    "ini systemd": (text) => {
      const [, script = "", options = ""] = /^ExecStart=\S*npm run (\S+) -- (.*)$/m.exec(text) ?? [];
      expect(packageJson.scripts).toHaveProperty([script]);
      const known = read("tools/dev/serve.ts");
      for (const [, option] of options.matchAll(/--(\S+)/g))
        expect(known).toMatch(new RegExp(`"?${option}"?: \\w+\\(`));
    },
    // Nor is there nginx on every machine: braces, the port, what a WebSocket needs, and what tells the server its address.
    "nginx server": (text) => {
      expect(text.split("{")).toHaveLength(text.split("}").length);
      expect(text).toMatch(/proxy_pass http:\/\/127\.0\.0\.1:\d+;/);
      for (const header of [
        "Host $host",
        "X-Forwarded-Proto $scheme",
        "Upgrade $http_upgrade",
        "Connection $connection_upgrade",
      ]) {
        expect(text).toContain(`proxy_set_header ${header};`);
      }
    },
  },
};

// Concurrently: a page waits more than it computes.
describe.concurrent("blocks", () => {
  test.for(PAGES.filter((page) => readBlocks(read(page)).length > 0))(
    "[DOC-1] each code block does what the page says, when %s is followed",
    async (page) => {
      await withTemporaryDir((dir) => runPage(read(page), dir, RULES));
    },
  );

  test.for(["README.md", "docs/quick-start.md", "docs/concepts.md", "docs/upgrading.md"])(
    "[DOC-7] %s shows the same, when it is followed again on the same server",
    async (page) => {
      await withTemporaryDir(async (dir) => {
        for (const time of ["first", "second"])
          await runPage(read(page), join(dir, time), RULES, join(dir, "data"));
      });
    },
  );

  test.for([
    [
      "a language that nobody runs",
      "```ruby\nputs 1\n```",
      "line 1 (ruby): there is no rule for such a block",
    ],
    ["no language", "```\nputs 1\n```", "there is no rule"],
    ["a block that is not closed", "Text\n\n```sh\necho 1", "line 3: this block is not closed"],
    ["a command that fails", "```sh\nfalse\n```", "ended with 1"],
    [
      "another output",
      "```sh\necho one two\n```\n```text\none … three\n```",
      "line 4 (text): shown:\none … three",
    ],
    [
      "another field",
      '```sh\necho \'{"a": [1, 2]}\'\n```\n```json\n{ "a": [1, 3] }\n```',
      "$.a.1 is not as shown",
    ],
    [
      "a field more",
      '```sh\necho \'{"a": 1, "b": 2}\'\n```\n```json\n{ "a": 1 }\n```',
      "$.b is not as shown",
    ],
    ["output of nothing", "```text\none\n```", "no command before it"],
    ["a file that is not used", "```js write.mjs\n1;\n```", "line 1: no command uses write.mjs"],
    [
      "a frame that does not come",
      "```console a\nnpx wscat -c 'ws://localhost:8081/v1/ws/none'\n< {}\n```",
      "4004",
    ],
    [
      "a frame that is not shown",
      "```console a\nnpx wscat -c 'ws://localhost:8081/v1/ws/none'\n```\n```sh\nsleep 1\n```",
      "was sent what is not shown",
    ],
  ] as const)("[DOC-2] a page fails, when it has %s", async ([, markdown, message]) => {
    await withTemporaryDir(async (dir) => {
      await expect(runPage(markdown, dir, RULES)).rejects.toThrow(message);
    });
  });
});

describe("lists", () => {
  /** The headings of a page that are nothing but a code span, as written in it. */
  const codeHeadings = (page: string) =>
    [...read(page).matchAll(/^#{2,4} `([^`]+)`/gm)].map(([, heading = ""]) => heading);

  test("[DOC-3] troubleshooting has a section for each close code and each error code, and for no other", () => {
    const codes = [...new Set(Object.values(CLOSE).map(String)), ...Object.keys(ERROR_STATUS)];
    const headings = codeHeadings("docs/troubleshooting.md");
    expect(headings.toSorted()).toEqual(codes.toSorted());
  });

  test("[DOC-3] the README names each command of package.json", () => {
    const named = read("README.md");
    const commands = Object.keys(packageJson.scripts).filter((name) => name !== "preinstall"); // npm's own to run
    const missing = commands.filter((name) => !named.includes(name === "test" ? "npm test" : name));
    expect(missing).toEqual([]);
  });

  test("[DOC-3] the index of the documents names each page of the folder", () => {
    const index = read("docs/README.md");
    const pages = PAGES.filter((page) => /^docs\/[^/]+\.md$/.test(page) && page !== "docs/README.md");
    expect(pages.filter((page) => !index.includes(`](${page.slice("docs/".length)})`))).toEqual([]);
  });

  test("[DOC-3] the index of the decisions names each of them", () => {
    const index = read("docs/decisions/README.md");
    const decisions = readdirSync(join(PROJECT_DIR, "docs/decisions")).filter((name) => /^\d{4}-/.test(name));
    expect(decisions.length).toBeGreaterThan(10);
    expect(decisions.filter((name) => !index.includes(`](${name})`))).toEqual([]);
  });
});

test("[DOC-8] no two pages use the same folder of fragments, and none uses one of the samples", () => {
  const reference = ["docs/PROTOCOL.md", "docs/SPEC.md"];
  const pages = PAGES.filter((page) => !reference.includes(page) && !page.startsWith("docs/decisions/"));
  const folders = pages.flatMap((page) => [...foldersOf(read(page))]);
  const samples = readdirSync(join(PROJECT_DIR, "samples"));
  const all = [...folders, ...samples];
  expect(folders.length).toBeGreaterThan(8);
  expect(all.filter((folder, at) => all.indexOf(folder) !== at)).toEqual([]);
});

/** The first segments of the ids in the code blocks of a page, as addresses and providers name them. */
function foldersOf(markdown: string): Set<string> {
  const code = readBlocks(markdown).map(({ text }) => text);
  const ids = code.flatMap((text) => [
    ...text.matchAll(/\/(?:v1\/(?:fragments|ws|expansions)|api\/prompts(?:\/ws\/fragments)?)\/([\w-]+)\//g),
    ...text.matchAll(/\/v1\/sync", "([\w-]+)\//g),
  ]);
  return new Set(ids.map(([, folder = ""]) => folder));
}

test("[DOC-4] each link within the repository leads to a file and a heading that are there", () => {
  const broken = PAGES.flatMap((page) => {
    const prose = read(page).replaceAll(/^(\s*)(`{3,})[\s\S]*?^\1\2`*$/gm, "");
    const links = [...prose.matchAll(/\]\((?!https?:)([^)\s]*)\)/g)].map(([, target = ""]) => target);
    return links.filter((link) => !leadsSomewhere(page, link)).map((link) => `${page}: ${link}`);
  });
  expect(broken).toEqual([]);
});

function leadsSomewhere(page: string, link: string): boolean {
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? page : normalize(join(dirname(page), path));
  if (!existsSync(join(PROJECT_DIR, target))) return false;
  return anchor === undefined || anchorsOf(target).includes(anchor);
}

/** The anchors that GitHub gives to the headings of a page. */
function anchorsOf(page: string): string[] {
  return [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .trim()
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(/\s/g, "-"),
  );
}

/** In the folder of the page, with its wrangler.toml. */
function wrangler(words: readonly string[], cwd: string) {
  const { command, args, env } = wranglerCommand(words);
  return promisify(execFile)(command, args, { cwd, env });
}
