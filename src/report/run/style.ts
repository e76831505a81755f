/** What the page of a report adds to the look of the page of an analysis. */
import { style } from '../style.ts';

/** The style sheet; `runs` is how many runs can be hidden. */
export function reportStyle(runs: number): string {
  const hidden = Array.from(
    { length: runs },
    (_, i) => `body:has(#show-${i}:not(:checked)) .run-${i} { display: none; }`,
  );
  return `${style}${own}${hidden.join('\n')}\n`;
}

const own = `
th[scope=row], th:first-child { position: sticky; left: 0; background: var(--panel); }
th[scope=row] { border-bottom-color: var(--grid); color: var(--ink); }
th, td { padding: 5px 7px; }
.runs { position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 20px 0 0; padding: 10px 24px;
  max-height: 30vh; overflow-y: auto; background: var(--panel); border: 1px solid var(--grid); border-radius: 10px; font-size: 15px; }
.runs label { display: flex; align-items: center; gap: 6px; cursor: pointer; overflow-wrap: anywhere; }
.runs input { width: 16px; height: 16px; margin: 0; accent-color: var(--first); }
.sample { flex: none; margin-right: 6px; vertical-align: middle; fill: none; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 400px), 1fr)); gap: 8px 20px; align-items: start; }
.grid > figure { min-width: 0; }
.grid h3 { margin: 6px 0 2px; overflow-wrap: anywhere; }
.plot { border-radius: 6px; touch-action: pan-y; cursor: crosshair; }
.plot svg { display: block; width: 100%; height: auto; }
:focus-visible { outline: 2px solid var(--first); outline-offset: 2px; }
.plot:focus-visible { outline-offset: -2px; }
.readout { display: flex; flex-wrap: wrap; gap: 2px 18px; min-height: 3.2em; padding: 0 4px; font-size: 14px; font-variant-numeric: tabular-nums; }
.readout .at { flex: 1 0 100%; color: var(--muted); }
.readout b { font-weight: 600; }
.readout .what { color: var(--muted); margin-left: 7px; }
caption { padding: 4px 0; color: var(--muted); text-align: left; }
td.best { font-weight: 700; }
td.value { white-space: normal; min-width: 7em; max-width: 22em; overflow-wrap: anywhere; }
details { margin-top: 12px; }
summary { cursor: pointer; color: var(--muted); }
@media (max-width: 600px) { .runs { padding: 8px 14px; max-height: 22vh; } }
@media print { h2, section > p { break-after: avoid; break-inside: avoid; } .screen, [data-heat] .readout { display: none; } .runs { position: static; max-height: none; border: 0; padding: 0; } .runs input { display: none; }
  .grid { grid-template-columns: 1fr 1fr; } .grid > figure { break-inside: avoid; } section { break-inside: auto; } details::details-content { content-visibility: visible; } }
`;
