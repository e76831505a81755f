/** Cross entropy and accuracy in plain TypeScript. */

export function crossEntropy(logits: readonly number[], label: number): number {
  const most = Math.max(...logits);
  return (
    most + Math.log(logits.reduce((sum, z) => sum + Math.exp(z - most), 0)) - (logits[label] ?? Number.NaN)
  );
}

/** Gradient of the cross entropy by the logits. */
export function crossEntropyGradient(logits: readonly number[], label: number): number[] {
  const most = Math.max(...logits);
  const exps = logits.map((z) => Math.exp(z - most));
  const total = exps.reduce((a, b) => a + b, 0);
  return exps.map((e, i) => e / total - (i === label ? 1 : 0));
}

/** Whether the label is among the first k: equal logits rank by index; none is where one is not finite. */
export function isAmong(k: number, logits: readonly number[], label: number): boolean {
  const value = (i: number): number => logits[i] ?? Number.NaN;
  const order = logits.map((_, i) => i).toSorted((a, b) => value(b) - value(a) || a - b);
  return logits.every(Number.isFinite) && order.indexOf(label) < k;
}

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
