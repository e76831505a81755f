/** The look of the page: light or dark as the reader's system says, one column, and light on paper. */

const light = `
  --page: #f6f7f9; --panel: #ffffff; --ink: #1f2328; --muted: #59636e; --grid: #e9ecf0; --frame: #c4cbd3;
  --band: #e6f4ea; --first: #2563eb; --second: #c2410c; --third: #2b8a3e; --bad: #d6204e;
  --c0: #2563eb; --c1: #d9480f; --c2: #2b8a3e; --c3: #9333ea; --c4: #0e7490;
  --c5: #be185d; --c6: #a16207; --c7: #475569; --c8: #65a30d; --c9: #7c2d12;`;

const dark = `
  --page: #14171b; --panel: #1c2127; --ink: #e8ebef; --muted: #a3adb8; --grid: #2c333b; --frame: #4a545f;
  --band: #1d3527; --first: #6ea8fe; --second: #ff9a5a; --third: #69db7c; --bad: #ff6b8b;
  --c0: #6ea8fe; --c1: #ff9a5a; --c2: #69db7c; --c3: #c792ff; --c4: #4dd4e6;
  --c5: #ff7eb6; --c6: #f2c94c; --c7: #b6c2cf; --c8: #b5e655; --c9: #e0a080;`;

/** The style sheet. */
export const style: string = `
:root { color-scheme: light dark; ${light} }
@media (prefers-color-scheme: dark) { :root { ${dark} } }
@media print { :root { color-scheme: light; ${light} --page: #ffffff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 Inter, "Helvetica Neue", Helvetica, Arial, "Liberation Sans", "DejaVu Sans", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { margin: 0; font-size: 30px; line-height: 1.2; overflow-wrap: anywhere; }
h2 { margin: 0 0 6px; font-size: 21px; line-height: 1.3; }
h3 { margin: 18px 0 4px; font-size: 16px; }
p { margin: 8px 0; max-width: 76ch; }
.lead, .note, figcaption, footer { color: var(--muted); }
section { margin-top: 22px; padding: 22px 24px; background: var(--panel); border: 1px solid var(--grid); border-radius: 10px; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(240px, 1fr)); gap: 12px 20px; margin: 18px 0 0; }
.facts dt { font-size: 13px; color: var(--muted); }
.facts dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; }
ul { margin: 8px 0; padding-left: 22px; }
li { margin: 4px 0; max-width: 76ch; }
.formula { margin: 10px 0; padding: 9px 14px; border-left: 3px solid var(--first); background: var(--page); border-radius: 0 6px 6px 0;
  font: 17px/1.5 "STIX Two Text", "Times New Roman", "Liberation Serif", "DejaVu Serif", serif; overflow-x: auto; }
sub { font-size: 72%; line-height: 0; }
figure { margin: 14px 0 0; }
.scroll { overflow-x: auto; }
.wide svg { display: block; width: 100%; min-width: 620px; height: auto; }
.panels { display: flex; flex-wrap: wrap; gap: 18px; align-items: flex-start; }
.panels svg { display: block; max-width: 100%; height: auto; }
.panels .side { flex: 1 1 260px; min-width: 0; }
.swatches { display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 10px 0 0; padding: 0; list-style: none; font-size: 14px; }
.swatches li { display: flex; align-items: center; gap: 6px; margin: 0; }
.swatches i { width: 12px; height: 12px; border-radius: 50%; }
table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; }
th, td { padding: 5px 8px; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--grid); }
th { font-weight: 600; color: var(--muted); border-bottom-color: var(--frame); }
th:first-child, td:first-child, .left { text-align: left; }
tr.stage td { border-top: 2px solid var(--frame); }
.bad { color: var(--bad); font-weight: 600; }
svg text { font-family: Inter, "Helvetica Neue", Helvetica, Arial, "Liberation Sans", "DejaVu Sans", sans-serif; }
footer { margin-top: 26px; font-size: 14px; }
@media screen and (min-width: 1160px) { section:has(> .scroll > table) { width: fit-content; min-width: 100%; max-width: calc(100vw - 60px);
  position: relative; left: 50%; transform: translateX(-50%); } }
@media (max-width: 600px) { main { padding: 18px 10px 40px; } section { padding: 16px 14px; } h1 { font-size: 25px; }
  .facts { grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); } }
@media print { main { max-width: none; padding: 0; } section { border: 0; padding: 8px 0; break-inside: avoid; } section.long { break-inside: auto; }
  .scroll { overflow: visible; } .wide svg { min-width: 0; } }
`;
