/** Classes that have numbers only. */
import { expected } from '../errors.ts';

/**
 * So many classes may have no names, or as many as there are images: a label far beyond is an error of the
 * file, and would take memory for every class below.
 */
export const mostNumbered = 65_536;

/**
 * Names of classes that are numbered: "0", "1", … up to the highest label.
 *
 * @throws ERR_DATASET for a label that is far beyond the images.
 */
export function numberedClasses(highest: number, images: number, name: string): string[] {
  const most = Math.max(mostNumbered, images);
  if (highest < most) return Array.from({ length: highest + 1 }, (_, i) => String(i));
  throw expected(
    'ERR_DATASET',
    `labels below ${most} for ${images} images without class names`,
    name,
    highest,
    { hint: 'Number the classes from 0 on without gaps, or name them: `classNames`.' },
  );
}
