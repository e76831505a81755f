/** Explicit Runge-Kutta methods as data. */

/** Coefficients: row i of `a` weighs the i stages before stage i, `b` weighs all in the result. */
export interface Tableau {
  readonly a: readonly (readonly number[])[];
  readonly b: readonly number[];
  /** Order of convergence, when known. */
  readonly order?: number;
}

/** Name of a Runge-Kutta method. */
export type TableauName = 'heun' | 'rk2' | 'heun3' | 'kutta3' | 'rk4' | 'rk38' | 'gill4';

const q = Math.SQRT1_2;

/** heun: improved Euler; rk2: the one-step midpoint rule; rk38: the 3/8 rule; the others by their authors. */
export const tableaus: Readonly<Record<TableauName, Tableau>> = {
  heun: { order: 2, a: [[], [1]], b: [1 / 2, 1 / 2] },
  rk2: { order: 2, a: [[], [1 / 2]], b: [0, 1] },
  heun3: { order: 3, a: [[], [1 / 3], [0, 2 / 3]], b: [1 / 4, 0, 3 / 4] },
  kutta3: { order: 3, a: [[], [1 / 2], [-1, 2]], b: [1 / 6, 2 / 3, 1 / 6] },
  rk4: { order: 4, a: [[], [1 / 2], [0, 1 / 2], [0, 0, 1]], b: [1 / 6, 1 / 3, 1 / 3, 1 / 6] },
  rk38: { order: 4, a: [[], [1 / 3], [-1 / 3, 1], [1, -1, 1]], b: [1 / 8, 3 / 8, 3 / 8, 1 / 8] },
  gill4: {
    order: 4,
    a: [[], [1 / 2], [q - 1 / 2, 1 - q], [0, -q, 1 + q]],
    b: [1 / 6, (1 - q) / 3, (1 + q) / 3, 1 / 6],
  },
};
