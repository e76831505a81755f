/** Linear recursions as the theory solves them. */

/** u_n of u_{n+1} = a u_n + b u_{n-1}, u_0 = 1, by the roots of r² = a r + b. */
export function twoTerms(a: number, b: number, u1: number, n: number): number {
  const half = a / 2;
  const square = half * half + b;
  if (square < 0) return spiral(half, Math.sqrt(-square), u1, n);
  const root = Math.sqrt(square);
  const [r, s] = [half + root, half - root];
  const share = (u1 - s) / (r - s);
  return share * r ** n + (1 - share) * s ** n;
}

/** The same for complex roots a ± bi: u_n = rho^n (cos n·phi + c sin n·phi). */
function spiral(a: number, b: number, u1: number, n: number): number {
  const phi = Math.atan2(b, a);
  return Math.hypot(a, b) ** n * (Math.cos(n * phi) + ((u1 - a) / b) * Math.sin(n * phi));
}

/** u_n of u_{n+1} = c_0 u_n + c_1 u_{n-1} + …, from its first values. */
export function recursion(coefs: readonly number[], start: readonly number[], n: number): number {
  const u = [...start];
  while (u.length <= n) u.push(coefs.reduce((sum, c, i) => sum + c * (u.at(-1 - i) ?? Number.NaN), 0));
  return u[n] ?? Number.NaN;
}
