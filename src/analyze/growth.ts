/**
 * How the roots of a step on the unit circle move as z leaves 0: by the sign of a series, for a tolerance on
 * a modulus does not see it. A method of order 2 grows on the imaginary axis by c h⁴, 1e-8 c at 0.01.
 */
import { must } from '../must.ts';
import { atPoint, type Characteristic } from './polynomials.ts';
import { type Complex, divide, minus, modulus, plus, roots, times } from './roots.ts';

/** Terms of the series that are looked at. */
const terms = 12;
/** Distance from the circle, and size of a coefficient, that are rounding. */
const rounding = 1e-9;
/** Roots so near to each other are multiple: they have no such series. */
const near = 1e-4;

/**
 * What becomes of the modulus of the roots that are 1 in modulus at z = 0, for small z on a half-line:
 * 'grows' when any grows, 'bounded' when all shrink or stay; 'unknown' where one is multiple and none grows.
 *
 * @example
 * growthAtZero([[-1, -1], [1]], 'imaginary'); // 'grows': Euler, |1 + i h| > 1
 */
export function growthAtZero(
  polynomial: Characteristic,
  axis: 'real' | 'imaginary',
): 'grows' | 'bounded' | 'unknown' {
  const all = roots(atPoint(polynomial, 0, 0));
  const onCircle = all.filter((root) => Math.abs(modulus(root) - 1) < rounding);
  const simple = onCircle.filter((root) =>
    all.every((other) => other === root || modulus(minus(other, root)) > near),
  );
  if (simple.some((root) => growth(polynomial, root, axis) > 0)) return 'grows';
  return simple.length === onCircle.length ? 'bounded' : 'unknown';
}

/** First coefficient that is not 0 of log |root| in h, for z = -h or i h; 0 when there is none. */
function growth(polynomial: Characteristic, root: Complex, axis: 'real' | 'imaginary'): number {
  const direction: Complex = axis === 'real' ? [-1, 0] : [0, 1];
  const logarithm = logOf(seriesOf(polynomial, root));
  const scale = Math.max(...logarithm.map((term, m) => (m === 0 ? 0 : modulus(term) ** (1 / m))));
  let power: Complex = [1, 0];
  for (const [m, term] of logarithm.entries()) {
    const [real] = times(term, power);
    if (m > 0 && Math.abs(real) > rounding * scale ** m) return real;
    power = times(power, direction);
  }
  return 0;
}

/** Taylor coefficients in z of the simple root that is `root` at z = 0, one order after the other. */
function seriesOf(polynomial: Characteristic, root: Complex): Complex[] {
  const slope = horner(polynomial.map((p, i): Complex => [i * (p[0] ?? 0), 0]).slice(1), root);
  const series: Complex[] = [root];
  for (let m = 1; m <= terms; m++) {
    series.push([0, 0]);
    series[m] = divide(minus([0, 0], residual(polynomial, series, m)), slope);
  }
  return series;
}

function horner(coefs: readonly Complex[], at: Complex): Complex {
  return coefs.toReversed().reduce<Complex>((value, coef) => plus(times(value, at), coef), [0, 0]);
}

/** Coefficient of z^m in the polynomial at a series. */
function residual(polynomial: Characteristic, series: readonly Complex[], m: number): Complex {
  let sum: Complex = [0, 0];
  let power: readonly Complex[] = series.map((_, j): Complex => [j === 0 ? 1 : 0, 0]);
  for (const p of polynomial) {
    for (const [j, a] of p.slice(0, m + 1).entries()) sum = plus(sum, times([a, 0], must(power[m - j])));
    power = product(power, series);
  }
  return sum;
}

/** Product of two series, to as many terms. */
function product(a: readonly Complex[], b: readonly Complex[]): Complex[] {
  return a.map((_, m) => {
    let sum: Complex = [0, 0];
    for (let j = 0; j <= m; j++) sum = plus(sum, times(must(a[j]), must(b[m - j])));
    return sum;
  });
}

/** Series of log(s / s_0). */
function logOf(series: readonly Complex[]): Complex[] {
  const relative = series.map((term) => divide(term, must(series[0])));
  const logarithm: Complex[] = [[0, 0]];
  for (let m = 1; m < series.length; m++) {
    let sum = times([m, 0], must(relative[m]));
    for (let j = 1; j < m; j++)
      sum = minus(sum, times([j, 0], times(must(logarithm[j]), must(relative[m - j]))));
    logarithm.push([sum[0] / m, sum[1] / m]);
  }
  return logarithm;
}
