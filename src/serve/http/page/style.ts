/** The look of the page: dark and light as the system says, from the width of a phone. */
export const style = `
:root { color-scheme: light dark; --ink: #1b1d22; --paper: #fff; --soft: #5b6069; --line: #c4c8d0; --bar: #2a62c9; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #eceef2; --paper: #16181d; --soft: #a4abb8; --line: #454b57; --bar: #7faaf5; --bad: #f2938c; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem; max-width: 44rem; font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
h1 { margin: 0; font-size: 1.5rem; overflow-wrap: anywhere; }
p { margin: 0.25rem 0 1rem; color: var(--soft); }
.drop { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.75rem; justify-items: center; padding: 1.5rem 1rem; border: 2px dashed var(--line); border-radius: 0.75rem; text-align: center; }
.drop.over { border-color: var(--bar); border-style: solid; }
.drop img { max-width: 100%; max-height: 16rem; min-width: 6rem; object-fit: contain; image-rendering: auto; }
input { max-width: 100%; font: inherit; color: inherit; }
input[type=password] { padding: 0.4rem 0.6rem; border: 1px solid var(--line); border-radius: 0.4rem; background: var(--paper); }
button { padding: 0.4rem 0.9rem; font: inherit; color: var(--paper); background: var(--bar); border: 0; border-radius: 0.4rem; }
:focus-visible { outline: 3px solid var(--bar); outline-offset: 2px; }
form { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: center; margin: 1rem 0; }
[hidden] { display: none !important; }
ol { margin: 1rem 0; padding: 0; list-style: none; }
li { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 0.15rem 1rem; margin-bottom: 0.75rem; }
li span:first-child { overflow-wrap: anywhere; }
li .track { grid-column: 1 / -1; height: 0.6rem; border-radius: 0.3rem; background: color-mix(in srgb, var(--line) 45%, transparent); overflow: hidden; }
li .bar { display: block; height: 100%; background: var(--bar); }
[role=alert] { margin: 1rem 0; color: var(--bad); overflow-wrap: anywhere; }
`;
