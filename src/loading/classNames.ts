import { expected } from '../errors.ts';

/** Names of classes, and whose they are. */
export interface NamedClasses {
  readonly name: string;
  readonly classNames: readonly string[];
}

/**
 * Checks that the classes of a data set are those of another or of a model, in the same order: else labels
 * would mean something else without a sign. Names that are only numbers say nothing.
 *
 * @throws ERR_DATASET naming the first class that differs.
 */
export function checkClassNames(found: NamedClasses, wanted: NamedClasses): void {
  if (isNumbered(found) || isNumbered(wanted)) return;
  const differs = found.classNames.findIndex((name, i) => name !== wanted.classNames[i]);
  if (differs < 0) return;
  const what = `the class "${wanted.classNames[differs] ?? 'none'}" at ${differs}, as in ${wanted.name},`;
  throw expected('ERR_DATASET', what, found.name, found.classNames[differs], {
    hint: 'The same classes in the same order are needed: a folder for each class, in every part.',
  });
}

function isNumbered({ classNames }: NamedClasses): boolean {
  return classNames.every((name, i) => name === String(i));
}
