/**
 * The script of the page: read-outs of charts and heat maps, by pointer and by keys. Without it the page is
 * complete; the read-outs then stay at the ends of the curves. It reads its data from the page and draws into
 * the groups of class `cursor`.
 */
export const script: string = `
'use strict';
const { charts, heats } = JSON.parse(document.getElementById('data').textContent);
const show = (x) => String(Number(x.toPrecision(4))).replace('-', '\\u2212');
const draw = (name, attributes) => {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
};
const place = ({ low, high, log, from, to }, v) =>
  from + (to - from) * (log ? Math.log(v / low) / Math.log(high / low) : (v - low) / (high - low));
const value = ({ low, high, from, to }, pixel) => low + (high - low) * Math.min(1, Math.max(0, (pixel - from) / (to - from)));
const hidden = (run) => document.getElementById('show-' + run)?.checked === false;
const nearest = (points, x) => {
  let [a, b] = [0, points.length - 1];
  while (b - a > 1) { const middle = (a + b) >> 1; if (points[middle][0] < x) a = middle; else b = middle; }
  return Math.abs(points[a][0] - x) <= Math.abs(points[b][0] - x) ? a : b;
};
/** Pixels of the picture under the pointer. */
const under = (svg, event) => {
  const box = svg.getBoundingClientRect();
  const scale = svg.viewBox.baseVal.width / box.width;
  return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
};

document.querySelectorAll('[data-chart]').forEach((figure) => {
  const chart = charts[figure.dataset.chart];
  const [box, svg, out] = ['.plot', '.plot svg', '.readout'].map((name) => figure.querySelector(name));
  const cursor = svg.querySelector('.cursor');
  const told = [...out.querySelectorAll('[data-text]')].map((element) => [element, element.textContent]);
  let x = null;
  let chosen = 0;
  const at = (i) => { const { points } = chart.curves[i]; return points.length === 0 ? null : points[nearest(points, x)]; };
  const rest = () => { x = null; cursor.replaceChildren(); for (const [element, text] of told) element.textContent = text; };
  const render = () => {
    const pixel = place(chart.x, x);
    const shown = (chart.nearest ? [chosen] : [...chart.curves.keys()]).filter((i) => !hidden(chart.curves[i].run) && at(i));
    cursor.replaceChildren(
      draw('path', { d: 'M' + pixel + ' ' + chart.y.from + 'V' + chart.y.to, stroke: 'var(--muted)', 'stroke-dasharray': '3 3' }),
      ...shown.map((i) => draw('circle', { cx: place(chart.x, at(i)[0]), cy: Math.max(chart.y.to, Math.min(chart.y.from, place(chart.y, at(i)[1]))), r: 4.5,
        fill: chart.curves[i].stroke, stroke: 'var(--panel)', 'stroke-width': 1.5 })));
    out.querySelector('.at').textContent = 'Epoch ' + Number((chart.nearest && at(chosen) ? at(chosen)[0] : x).toFixed(2));
    if (chart.nearest) out.querySelector('[data-nearest]').textContent = chart.curves[chosen].label + ': ' + (at(chosen) ? show(at(chosen)[1]) : '\\u2013');
    else out.querySelectorAll('[data-line]').forEach((element) => {
      const point = at(element.dataset.line);
      element.textContent = point ? show(point[1]) + chart.unit : '\\u2013';
    });
  };
  box.addEventListener('pointermove', (event) => {
    const [left, top] = under(svg, event);
    x = value(chart.x, left);
    if (chart.nearest) {
      const far = (i) => (at(i) ? Math.abs(place(chart.y, at(i)[1]) - top) : Infinity);
      chosen = [...chart.curves.keys()].reduce((a, b) => (far(b) < far(a) ? b : a));
    }
    render();
  });
  box.addEventListener('pointerleave', rest);
  box.addEventListener('blur', rest);
  box.addEventListener('keydown', (event) => {
    const { key, shiftKey } = event;
    const { low, high } = chart.x;
    const step = ((high - low) / 100) * (shiftKey ? 10 : 1);
    const moves = { ArrowLeft: () => x === null ? high : x - step, ArrowRight: () => x === null ? low : x + step, Home: () => low, End: () => high };
    const turns = chart.nearest ? { ArrowUp: -1, ArrowDown: 1 } : {};
    if (key === 'Escape') return rest();
    if (!moves[key] && !turns[key]) return;
    event.preventDefault();
    if (moves[key]) x = Math.min(high, Math.max(low, moves[key]()));
    else { x ??= high; chosen = (chosen + turns[key] + chart.curves.length) % chart.curves.length; }
    render();
  });
});

document.querySelectorAll('[data-heat]').forEach((figure) => {
  const { left, top, cell, classNames, cells } = heats[figure.dataset.heat];
  const [box, svg, out] = ['.plot', '.plot svg', '.readout'].map((name) => figure.querySelector(name));
  const cursor = svg.querySelector('.cursor');
  const resting = out.textContent;
  const counts = new Map(cells.map(([row, column, count]) => [row + ' ' + column, count]));
  const totals = classNames.map(() => 0);
  for (const [row, , count] of cells) totals[row] += count;
  let at = null;
  const rest = () => { at = null; cursor.replaceChildren(); out.textContent = resting; };
  const render = () => {
    const [row, column] = at;
    const count = counts.get(row + ' ' + column) ?? 0;
    cursor.replaceChildren(draw('rect', { x: left + column * cell, y: top + row * cell, width: cell, height: cell, fill: 'none', stroke: 'var(--ink)', 'stroke-width': 2 }));
    out.textContent = classNames[row] + ' ranked as ' + classNames[column] + ': ' + count + ' of ' + totals[row] +
      (totals[row] > 0 ? ' (' + show((100 * count) / totals[row]) + ' %)' : '');
  };
  const inside = (i) => Math.min(classNames.length - 1, Math.max(0, i));
  box.addEventListener('pointermove', (event) => {
    const [x, y] = under(svg, event);
    at = [inside(Math.floor((y - top) / cell)), inside(Math.floor((x - left) / cell))];
    render();
  });
  box.addEventListener('pointerleave', rest);
  box.addEventListener('blur', rest);
  box.addEventListener('keydown', (event) => {
    const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (event.key === 'Escape') return rest();
    if (!move) return;
    event.preventDefault();
    at = at === null ? [0, 0] : [inside(at[0] + move[0]), inside(at[1] + move[1])];
    render();
  });
});
`;
