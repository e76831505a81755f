/** A model in three lines, for `console.log`. */
import { firstFew } from '../errors.ts';
import type { Core } from './core.ts';

/** Name and size; images and classes; place and state. */
export function describe({ graph, device, classNames, dtype, native, training, closing }: Core): string {
  const { height, width, channels } = graph.input;
  const numbers = graph.params.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const state = closing !== null ? 'closed' : training !== null ? 'in training' : 'ready';
  return [
    `Model ${graph.name}: ${numbers.toLocaleString('en')} parameters, ${graph.steps.length} steps`,
    `  images ${height}x${width}x${channels}; ${graph.classes} classes: ${firstFew(classNames)}`,
    `  ${dtype} on ${device}, ${(native.bytes / 2 ** 20).toFixed(1)} MiB; ${state}`,
  ].join('\n');
}
