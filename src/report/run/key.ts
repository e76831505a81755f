/** How runs are told apart: a colour each, then the same colours dashed. */
import { escapeXml } from '../../picture/text.ts';
import { imageColor } from '../plane.ts';

const dashes = [undefined, '7 4', '2 3'] as const;

/** Colour of a run, by its index. */
export function runColor(run: number): string {
  return imageColor(run);
}

/** Dashes of a run's curves; undefined for the first ten. */
export function runDash(run: number): string | undefined {
  return dashes[Math.floor(run / 10) % dashes.length];
}

/** A run's name behind a sample of its curves (HTML). */
export function runKey(run: number, name: string): string {
  const dash = runDash(run);
  const dashed = dash === undefined ? '' : ` stroke-dasharray="${dash}"`;
  const line = `<path d="M1 6H23" stroke="${runColor(run)}" stroke-width="4"${dashed}/>`;
  return `<svg class="sample" width="24" height="12" viewBox="0 0 24 12" aria-hidden="true">${line}</svg>${escapeXml(name)}`;
}
