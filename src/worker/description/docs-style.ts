/** The style of the pages, light and dark, for large and small screens. */
export const DOCS_STYLE = `
:root { color-scheme: light dark; --rule: color-mix(in srgb, currentColor 25%, transparent); }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem; }
h2 { border-bottom: 1px solid; margin-top: 3rem; }
section { margin: 2.5rem 0; }
h3 b, nav b { font-family: ui-monospace, monospace; }
h4 { margin: 1rem 0 0.25rem; }
nav { columns: 24rem; }
nav div { break-inside: avoid; }
nav p { margin: 0; font-weight: bold; }
nav ul { list-style: none; margin: 0; padding: 0 0 1rem; }
nav a { text-decoration: none; }
nav a:hover, nav a:focus-visible { text-decoration: underline; }
code, pre { font: 0.9em ui-monospace, monospace; background: color-mix(in srgb, currentColor 8%, transparent); }
code { padding: 0 0.2em; border-radius: 3px; }
pre { padding: 0.75rem; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
td { border-top: 1px solid var(--rule); padding: 0.3rem 0.75rem 0.3rem 0; vertical-align: top;
  overflow-wrap: break-word; }
td:first-child { width: 25%; }
@media (max-width: 40rem) {
  tr { display: block; border-top: 1px solid var(--rule); padding: 0.5rem 0; }
  td, td:first-child { display: block; border: 0; padding: 0; width: auto; overflow-wrap: anywhere; }
}
`;
