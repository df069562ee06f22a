import { html, raw } from "hono/html";
import type { Access } from "../../../protocol/access.ts";
import { DOCS_STYLE } from "../../description/docs-style.ts";
import type { Html } from "../../description/render-description.ts";

/** The pages on which people sign in and out. They work without their script, and load nothing. */

export const SIGN_IN = "/sign-in";
export const SIGN_OUT = "/sign-out";

const STYLE = `${DOCS_STYLE}
main { max-width: 32rem; }
label { display: block; font-weight: bold; }
input { box-sizing: border-box; font: inherit; padding: 0.5rem; width: 100%; }
button { font: inherit; margin: 0.75rem 0.5rem 0 0; padding: 0.5rem 1.25rem; }
[role="alert"] { border-left: 4px solid; padding: 0.25rem 0.75rem; }
`;

/**
 * Takes the invitation from the address, so that the person has but to press the button, and out of the address, so that
 * it does not stay on the screen and in the history.
 */
const SCRIPT = `
function takeInvitation() {
  const text = location.hash.slice(1);
  if (text === "") return;
  history.replaceState(null, "", location.pathname);
  document.getElementById("invitation").value = text;
  document.getElementById("typed").hidden = true;
  document.getElementById("invited").hidden = false;
  document.getElementById("form").closest("details")?.setAttribute("open", "");
}
takeInvitation();
addEventListener("hashchange", takeInvitation); // a link that is opened where this page is already
`;

const FORM = html`<form id="form" method="post" action="${SIGN_IN}">
<p id="invited" hidden>You have an invitation. It works once, in this browser.</p>
<p id="typed"><label for="invitation">Invitation link</label>
<input id="invitation" name="invitation" autocomplete="off" autocapitalize="off" spellcheck="false" required
  aria-describedby="hint">
<small id="hint">Copy the link here that you were given by an admin of this server.</small></p>
<button>Sign in</button>
</form>`;

/**
 * The page behind an invitation link. Opening it uses nothing up, because mail scanners and previews open links, too.
 *
 * @param access of the one who is signed in; null if nobody is
 */
export function renderSignIn(access: Access | null, nonce: string): Html {
  if (access === null) return renderPage("Sign in", FORM, nonce, SCRIPT);
  const body = html`${renderCaller(access)}
<p><a href="${SIGN_OUT}">Sign out</a> · <a href="/docs">The API</a></p>
<details><summary>Sign in with another invitation</summary>${FORM}</details>`;
  return renderPage("Signed in", body, nonce, SCRIPT);
}

/** @param isSession whether the caller has a browser session, which can be ended here */
export function renderSignOut(access: Access | null, isSession: boolean, nonce: string): Html {
  if (access === null) {
    const body = html`<p>Nobody is signed in in this browser.</p><p><a href="${SIGN_IN}">Sign in</a></p>`;
    return renderPage("Signed out", body, nonce);
  }
  const actions = isSession
    ? html`<form method="post" action="${SIGN_OUT}">
<button name="sessions" value="this">Sign out</button>
<button name="sessions" value="all">Sign out in all my browsers</button>
</form>`
    : html`<p>You have not signed in here, but with an identity provider: sign out there.</p>`;
  return renderPage("Sign out", html`${renderCaller(access)}${actions}`, nonce);
}

/** @param path the page to go back to */
export function renderFault(fault: string, path: string, nonce: string): Html {
  const back = path === SIGN_OUT ? SIGN_OUT : SIGN_IN;
  const body = html`<p role="alert">${fault}</p><p><a href="${back}">Back</a></p>`;
  return renderPage(path === SIGN_OUT ? "Not signed out" : "Not signed in", body, nonce);
}

function renderCaller({ principal, role, workspace }: Access): Html {
  const name = principal.name ?? principal.id;
  return html`<p>You are signed in as <strong>${name}</strong>, ${role} of the workspace <strong>${workspace}</strong>.</p>`;
}

function renderPage(title: string, body: Html, nonce: string, script: string | null = null): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Prompt Manager</title>
<style nonce="${nonce}">${raw(STYLE)}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${body}
</main>
${script === null ? "" : html`<script nonce="${nonce}">${raw(script)}</script>`}
</body>
</html>`;
}
