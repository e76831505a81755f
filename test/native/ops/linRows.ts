/** Linear combinations with every kind of coefficient, and what they compute in plain TypeScript. */
import { plus, reciprocal, tanh, times } from '../../../src/graph/coefficients.ts';
import * as fn from '../../../src/graph/functions.ts';
import { constant } from '../../../src/graph/inits.ts';
import type { Node, Param } from '../../../src/graph/node.ts';
import type { Scope } from '../../../src/graph/scope.ts';
import type { Case } from '../../support/graphs/cases.ts';
import * as ref from '../../support/reference.ts';
import type { Tensor } from '../../support/tensor.ts';

const coefficient = (s: Scope, name: string, shape: readonly number[] = [1]): Param =>
  s.param(name, shape, constant(0));
const mapped = (t: Tensor, map: (value: number) => number): Tensor => ({
  shape: t.shape,
  data: t.data.map(map),
});
const halves = (x: Node): [Node, Node] => [fn.slice(x, 0, 2), fn.slice(x, 2, 4)];
const halvesOf = (x: Tensor): [Tensor, Tensor] => [ref.slice(x, 0, 2), ref.slice(x, 2, 4)];

export const linRows: readonly Case[] = [
  {
    what: 'of one term with a number',
    image: [2, 3, 2, 2],
    graph: (_, x) => fn.lin([-1.5, x]),
    value: (x) => ref.lin([-1.5, x]),
  },
  {
    what: 'with a learned number, used twice',
    image: [2, 4, 3, 3],
    graph: (s, x) => {
      const k = coefficient(s, 'k');
      const [a, b] = halves(x);
      return fn.lin([plus(1, times(-1, k)), a], [k, b], [1, fn.relu(a)]);
    },
    value: (x, named) => {
      const [k = 0] = named('k').data;
      const [a, b] = halvesOf(x);
      return ref.lin([1 - k, a], [k, b], [1, ref.relu(a)]);
    },
  },
  {
    what: 'with one number per channel',
    image: [3, 4, 2, 3],
    graph: (s, x) => {
      const [a, b] = halves(x);
      return fn.lin([coefficient(s, 'k', [2, 1, 1]), a], [0.5, b], [coefficient(s, 'm'), b]);
    },
    value: (x, named) => {
      const [a, b] = halvesOf(x);
      return ref.lin([named('k'), a], [0.5, b], [named('m'), b]);
    },
  },
  {
    what: 'with products, sums, reciprocals and tanh per layer',
    image: [2, 3, 3, 2],
    graph: (s, x) => {
      const [k, m] = [coefficient(s, 'k'), coefficient(s, 'm')];
      return fn.lin([times(k, plus(m, k)), x], [reciprocal(plus(1, k)), fn.relu(x)], [tanh(times(k, m)), x]);
    },
    value: (x, named) => {
      const [k = 0, m = 0] = [...named('k').data, ...named('m').data];
      return ref.lin([k * (m + k), x], [1 / (1 + k), ref.relu(x)], [Math.tanh(k * m), x]);
    },
  },
  {
    what: 'with products, sums, reciprocals and tanh that mix layer and channel',
    image: [2, 3, 2, 2],
    graph: (s, x) => {
      const [k, m] = [coefficient(s, 'k'), coefficient(s, 'm', [3, 1, 1])];
      return fn.lin([times(k, m), x], [plus(tanh(m), reciprocal(k)), fn.relu(x)], [reciprocal(m), x]);
    },
    value: (x, named) => {
      const [k = 0] = named('k').data;
      const m = named('m');
      const rest = mapped(m, (value) => Math.tanh(value) + 1 / k);
      return ref.lin([mapped(m, (value) => k * value), x], [rest, ref.relu(x)], [mapped(m, (v) => 1 / v), x]);
    },
  },
  {
    what: 'of five terms',
    image: [2, 2, 3, 3],
    graph: (s, x) => {
      const k = coefficient(s, 'k');
      return fn.lin([1, x], [k, fn.relu(x)], [-2, x], [0, x], [tanh(k), x]);
    },
    value: (x, named) => {
      const [k = 0] = named('k').data;
      return ref.lin([1 - 2 + Math.tanh(k), x], [k, ref.relu(x)]);
    },
  },
  {
    what: 'of vectors',
    image: [3, 4, 2, 2],
    graph: (s, x) => {
      const u = fn.globalAvgPool(x);
      return fn.lin([coefficient(s, 'k'), u], [1, fn.relu(u)]);
    },
    value: (x, named) => {
      const u = ref.globalAvgPool(x);
      return ref.lin([named('k'), u], [1, ref.relu(u)]);
    },
  },
];
