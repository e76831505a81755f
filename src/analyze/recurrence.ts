/**
 * A step on the test equation: every f(u) becomes z u, and what is left is a linear recurrence in the states.
 */
import type { Graph } from '../graph/graph.ts';
import type { StepRecord } from '../graph/spec.ts';
import { must } from '../must.ts';
import { type Channel, type CoefValues, paired, valueAt } from './coefficients.ts';
import type { StepForm, Term } from './linearForm.ts';
import { add, type Characteristic, characteristic, multiply, type Polynomial, scale } from './polynomials.ts';
import { type Ring, stepForm } from './stepForm.ts';

/**
 * What kind of method a step is: one state; a state with its own past; or several variables, such as position
 * and velocity, or the halves of a reversible net.
 */
export type StepKind = 'one-step' | 'multistep' | 'two-variable' | 'several-variable';

/** The recurrence of a step: states after = matrix · states before, entries are polynomials in z. */
export interface Recurrence {
  readonly kind: StepKind;
  readonly matrix: readonly (readonly Polynomial[])[];
  readonly characteristic: Characteristic;
}

/** States of a step whose characteristic polynomial is computed: the work grows with their fourth power. */
const mostStates = 16;

/** Reads the steps of a graph with given coefficients. */
export interface StepReader {
  /**
   * The step in one channel, or at the mean of its coefficients; a sentence where it is no linear recurrence.
   */
  readonly recurrence: (step: StepRecord, channel: Channel) => Recurrence | string;
}

/**
 * A reader for a graph and the values of its coefficients. Every step is followed once, for all channels
 * together.
 */
export function stepReader(graph: Graph, values: CoefValues): StepReader {
  const { nodes } = graph;
  const channels = graph.shapes().map((shape) => must(shape[1]));
  const ring: Ring<readonly number[]> = {
    constant: (value) => [value],
    coef: (i) => must(values[i]),
    plus: (a, b) => paired(a, b, (x, y) => x + y),
    times: (a, b) => paired(a, b, (x, y) => x * y),
  };
  const forms = new Map<StepRecord, StepForm<readonly number[]>>();
  const formOf = (step: StepRecord): StepForm<readonly number[]> => {
    const form = forms.get(step) ?? stepForm({ nodes, step, channels, ring });
    forms.set(step, form);
    return form;
  };
  return {
    recurrence: (step, channel) => {
      if (step.transition)
        return 'It changes width or resolution: the states before and after are in different spaces.';
      return recurrenceOf(atChannel(formOf(step), channel), (node) => must(nodes[node]).op);
    },
  };
}

/** A form with one number per coefficient. */
function atChannel(form: StepForm<readonly number[]>, channel: Channel): StepForm<number> {
  const terms = (list: readonly Term<readonly number[]>[]): Term<number>[] =>
    list.map((term) => ({ ...term, coef: valueAt(term.coef, channel) }));
  return {
    ...form,
    fields: form.fields.map((field) => ({ ...field, input: terms(field.input) })),
    others: form.others.map((other) => ({ ...other, input: terms(other.input) })),
    after: form.after.map((state) => ({ ...state, terms: terms(state.terms) })),
  };
}

/** The recurrence of a form, or why there is none. */
export function recurrenceOf(form: StepForm<number>, opOf: (node: number) => string): Recurrence | string {
  const reads = [...form.after.map(({ terms }) => terms), ...form.fields.map(({ input }) => input)].flat();
  if (reads.some(({ from }) => from === 'other')) {
    const ops = [...new Set(form.others.flatMap(({ nodes }) => nodes.map(opOf)))].join(', ');
    return `Between its states stands ${ops}: it is no linear recurrence in u and f.`;
  }
  const size = form.states.length;
  if (size > mostStates) return `It has ${size} states or parts of them: at most ${mostStates} are analysed.`;
  const known = new Map<number, readonly Polynomial[]>();
  const row = (terms: readonly Term<number>[]): readonly Polynomial[] =>
    terms.reduce<readonly Polynomial[]>(
      (sum, { from, i, coef }) => {
        const part = from === 'state' ? unit(i, size) : evaluation(i);
        return sum.map((p, j) => add(p, scale(coef, must(part[j]))));
      },
      Array.from({ length: size }, () => []),
    );
  const evaluation = (i: number): readonly Polynomial[] => {
    const done = known.get(i) ?? row(must(form.fields[i]).input).map((p) => multiply([0, 1], p));
    known.set(i, done);
    return done;
  };
  const rows = form.after.map(({ terms }) => row(terms));
  const square = Array.from({ length: size }, (_, j) => rows[j] ?? row([]));
  return { kind: kindOf(form), matrix: square, characteristic: characteristic(square) };
}

/**
 * States that are an older state, or the value of f there, are memory; the others are variables of their own.
 */
function kindOf({ states, after }: StepForm<number>): StepKind {
  if (states.length === 1) return 'one-step';
  const own = after.slice(0, states.length).filter(({ terms }) => terms.length !== 1 || !isMemory(terms[0]));
  if (own.length <= 1) return 'multistep';
  return own.length === 2 ? 'two-variable' : 'several-variable';
}

function isMemory(term: Term<number> | undefined): boolean {
  return term?.coef === 1 && term.from !== 'other';
}

function unit(i: number, size: number): readonly Polynomial[] {
  return Array.from({ length: size }, (_, j) => (i === j ? [1] : []));
}
