/** Coefficients as people write them: "1 − k₃", "½", "0.9". */
import type { Ring } from '../analyze/stepForm.ts';
import type { GraphSpec } from '../graph/spec.ts';
import { must } from '../must.ts';

/** A number plus multiples of named quantities. */
export interface Label {
  readonly constant: number;
  readonly multiples: ReadonlyMap<string, number>;
}

/**
 * Coefficients of a graph as labels; a parameter is named by the last part of its path, with the number of
 * its step as index.
 */
export function labelRing({ coefs, params }: Pick<GraphSpec, 'coefs' | 'params'>, n: number): Ring<Label> {
  const known = new Map<number, Label>(); // an expression may share parts: each is written once
  const coef = (i: number): Label => {
    const found = known.get(i) ?? brief(written(i), i);
    known.set(i, found);
    return found;
  };
  const written = (i: number): Label => {
    const spec = coefs[i];
    if (spec === undefined) return constant(Number.NaN);
    switch (spec.kind) {
      case 'constant':
        return constant(spec.value);
      case 'param':
        return named(`${must(params[spec.param]).path.split('.').at(-1)}${subscript(n)}`);
      case 'sum':
        return plus(coef(spec.of[0]), coef(spec.of[1]));
      case 'product':
        return times(coef(spec.of[0]), coef(spec.of[1]));
      case 'reciprocal':
        return named(`1/${bracketed(coef(spec.of[0]))}`);
      case 'tanh':
        return named(`tanh ${bracketed(coef(spec.of[0]))}`);
    }
  };
  return { constant, coef, plus, times };
}

/** A label that would be too long is the number of its coefficient. */
function brief(label: Label, i: number): Label {
  const long = label.multiples.size > mostTerms || labelText(label).length > mostLetters;
  return long ? named(`c${subscript(i)}`) : label;
}

/** Terms and letters of a coefficient that is written out. */
const mostTerms = 8;
const mostLetters = 60;

/** A label as text. */
export function labelText({ constant: number, multiples }: Label): string {
  const parts = [...multiples].filter(([, factor]) => factor !== 0);
  const terms = parts.map(([name, factor]) => {
    const size = Math.abs(factor) === 1 ? '' : `${numeral(Math.abs(factor))} `;
    return { minus: factor < 0, text: `${size}${name}` };
  });
  if (number !== 0 || terms.length === 0)
    terms.unshift({ minus: number < 0, text: numeral(Math.abs(number)) });
  return terms
    .map(({ minus, text }, i) => (i === 0 ? `${minus ? '−' : ''}${text}` : `${minus ? ' − ' : ' + '}${text}`))
    .join('');
}

/** True for the number 1, which is not written. */
export function isOne({ constant: number, multiples }: Label): boolean {
  return number === 1 && [...multiples.values()].every((factor) => factor === 0);
}

/** An index: 12 is "₁₂". */
export function subscript(n: number): string {
  return [...String(n)]
    .map((digit) => (digit === '-' ? '₋' : String.fromCodePoint(0x2080 + Number(digit))))
    .join('');
}

const fractions: readonly (readonly [number, string])[] = [
  [1 / 2, '½'],
  [1 / 3, '⅓'],
  [2 / 3, '⅔'],
  [1 / 4, '¼'],
  [3 / 4, '¾'],
  [1 / 6, '⅙'],
  [1 / 8, '⅛'],
  [3 / 8, '⅜'],
];

function numeral(x: number): string {
  const found = fractions.find(([value]) => Math.abs(value - x) < 1e-12);
  return found?.[1] ?? String(Number(x.toPrecision(3)));
}

function constant(value: number): Label {
  return { constant: value, multiples: new Map() };
}

function named(name: string): Label {
  return { constant: 0, multiples: new Map([[name, 1]]) };
}

function plus(a: Label, b: Label): Label {
  const multiples = new Map(a.multiples);
  for (const [name, factor] of b.multiples) multiples.set(name, (multiples.get(name) ?? 0) + factor);
  return { constant: a.constant + b.constant, multiples };
}

function times(a: Label, b: Label): Label {
  if (a.multiples.size === 0) return scaled(a.constant, b);
  if (b.multiples.size === 0) return scaled(b.constant, a);
  return named(`${bracketed(a)}·${bracketed(b)}`);
}

function scaled(factor: number, { constant: number, multiples }: Label): Label {
  return {
    constant: factor * number,
    multiples: new Map([...multiples].map(([name, multiple]) => [name, factor * multiple])),
  };
}

function bracketed(label: Label): string {
  const text = labelText(label);
  return /[ −/]/.test(text.slice(1)) ? `(${text})` : text;
}
