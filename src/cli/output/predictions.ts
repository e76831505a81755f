/** What is said of classified images: in words, as lines of JSON, or as CSV. */
import { LmError } from '../../errors.ts';
import type { Prediction } from '../../model/predictions.ts';

/** An image and what the model says of it, or why it could not be classified. */
export interface Classified {
  readonly image: string;
  readonly found: Prediction | LmError;
}

/** A format: what stands before all images, and what is said of one; undefined: nothing. */
export interface PredictionFormat {
  readonly heading?: (guesses: number) => string;
  readonly line: (one: Classified, guesses: number) => string | undefined;
}

/** Name of a format. */
export type FormatName = 'text' | 'jsonl' | 'csv';

/** The formats by name. */
export const predictionFormats: Readonly<Record<FormatName, PredictionFormat>> = {
  text: {
    line({ image, found }) {
      if (found instanceof LmError) return undefined;
      const guesses = found.top.map(({ label, probability }) => `${label} ${percent(probability)}`);
      return `${image}: ${guesses.join(', ')}`;
    },
  },
  jsonl: {
    line({ image, found }) {
      if (!(found instanceof LmError)) return JSON.stringify({ image, ...found });
      const { code, message, hint = null } = found;
      return JSON.stringify({ image, error: { code, message, hint } });
    },
  },
  csv: {
    heading(guesses) {
      const columns = Array.from({ length: guesses }, (_, i) => [`label${i + 1}`, `probability${i + 1}`]);
      return csvLine(['image', ...columns.flat(), 'error']);
    },
    line({ image, found }, guesses) {
      if (found instanceof LmError)
        return csvLine([image, ...Array<string>(2 * guesses).fill(''), `${found.code}: ${found.message}`]);
      const cells = found.top.flatMap(({ label, probability }) => [label, String(probability)]);
      return csvLine([image, ...cells, '']);
    },
  },
};

function percent(probability: number): string {
  return `${(100 * probability).toFixed(1)} %`;
}

/** A line of CSV (RFC 4180): cells with commas, quotes or line ends stand in quotes. */
function csvLine(cells: readonly string[]): string {
  return cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',');
}
