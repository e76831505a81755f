/** Roots of polynomials with complex coefficients. */

/** [re, im] */
export type Complex = readonly [re: number, im: number];

/**
 * All roots, with their multiplicity: in closed form up to degree 2, by the Durand-Kerner iteration above.
 *
 * @param coefs lowest first; the last one is not 0.
 * @example
 * roots([[-6, 0], [1, 0], [1, 0]]); // 2 and -3
 */
export function roots(coefs: readonly Complex[]): Complex[] {
  const [c = zero, b = zero, a = zero] = coefs;
  if (coefs.length <= 1) return [];
  if (coefs.length === 2) return [divide([-c[0], -c[1]], b)];
  if (coefs.length === 3) return quadratic(a, b, c);
  const leading = coefs.at(-1) ?? one;
  return durandKerner(coefs.slice(0, -1).map((coef) => divide(coef, leading)));
}

const zero: Complex = [0, 0];
const one: Complex = [1, 0];

/** The root of larger modulus first, the other from the product: no cancellation. */
function quadratic(a: Complex, b: Complex, c: Complex): Complex[] {
  const root = squareRoot(minus(times(b, b), times([4, 0], times(a, c))));
  const same = b[0] * root[0] + b[1] * root[1] >= 0;
  const sum: Complex = same ? [b[0] + root[0], b[1] + root[1]] : [b[0] - root[0], b[1] - root[1]];
  const first = divide([-sum[0] / 2, -sum[1] / 2], a);
  if (first[0] === 0 && first[1] === 0) return [zero, zero];
  return [first, divide(c, times(a, first))];
}

/** Simultaneous iteration for a monic polynomial; the start is asymmetric on purpose. */
function durandKerner(lower: readonly Complex[]): Complex[] {
  const radius = 1 + Math.max(...lower.map(modulus));
  const spread = Math.min(radius, 2);
  let guess = lower.map((_, k): Complex => {
    const angle = (2 * Math.PI * k) / lower.length + 0.4;
    return [spread * Math.cos(angle), spread * Math.sin(angle)];
  });
  for (let round = 0; round < 200; round++) {
    let moved = 0;
    const next = [...guess];
    for (const [i, x] of guess.entries()) {
      const step = divide(monicAt(lower, x), without(next, i, x));
      next[i] = minus(x, step);
      moved = Math.max(moved, modulus(step));
    }
    guess = next;
    if (!(moved > 1e-14 * radius)) break;
  }
  return guess;
}

function monicAt(lower: readonly Complex[], x: Complex): Complex {
  let value = one;
  for (const coef of lower.toReversed()) {
    const [re, im] = times(value, x);
    value = [re + coef[0], im + coef[1]];
  }
  return value;
}

/** Product of x - r over the other roots; roots that met are pushed apart a little. */
function without(all: readonly Complex[], i: number, x: Complex): Complex {
  let product = one;
  for (const [j, r] of all.entries()) {
    if (j === i) continue;
    const gap = minus(x, r);
    product = times(product, modulus(gap) === 0 ? [1e-12, 1e-12] : gap);
  }
  return product;
}

/** |x| */
export function modulus([re, im]: Complex): number {
  return Math.hypot(re, im);
}

/** a + b */
export function plus(a: Complex, b: Complex): Complex {
  return [a[0] + b[0], a[1] + b[1]];
}

/** a - b */
export function minus(a: Complex, b: Complex): Complex {
  return [a[0] - b[0], a[1] - b[1]];
}

/** a · b */
export function times(a: Complex, b: Complex): Complex {
  return [a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]];
}

/** a / b */
export function divide(a: Complex, b: Complex): Complex {
  const square = b[0] * b[0] + b[1] * b[1];
  return [(a[0] * b[0] + a[1] * b[1]) / square, (a[1] * b[0] - a[0] * b[1]) / square];
}

function squareRoot([re, im]: Complex): Complex {
  const size = Math.hypot(re, im);
  if (size === 0) return zero;
  const root = Math.sqrt((size + Math.abs(re)) / 2);
  const rest = im / (2 * root);
  return re >= 0 ? [root, rest] : [Math.abs(rest), im < 0 ? -root : root];
}
