/** Which class of a model, or of what it was trained on, a class of a data set is. */
import { expected, firstFew, LmError } from '../errors.ts';

/** Names of classes, and whose they are. */
export interface NamedClasses {
  readonly name: string;
  readonly classNames: readonly string[];
}

/** The classes of a data set; without labels (a stream) any of them may have images. */
export interface LabelledClasses extends NamedClasses {
  readonly labels: Int32Array | null;
}

/** What the labels of a data set mean to a model. */
export interface ClassMatch {
  /** Class of the model for every class of the data set, -1: none; null: they are the same. */
  readonly classes: readonly number[] | null;
  /** What was done where it may surprise: sentences for a person. */
  readonly notes: readonly string[];
}

/**
 * Matches the classes of a data set with those of a model or of another set, so that labels mean the same:
 * names by name, in any order, and numbers by number, however they are sorted. Where one side has words and
 * the other numbers, the number is a place in the list of words, which is noted; so are classes of which
 * there are no images. Without names labels are what they are.
 *
 * @throws ERR_DATASET naming the first class with images that is none of those wanted, or whose name is there
 *   twice.
 * @example
 * const val = { name: 'val', classNames: ['dog'], labels: Int32Array.of(0) };
 * matchClasses(val, { name: 'train', classNames: ['cat', 'dog'] });
 * // { classes: [1], notes: ['val has no images of the classes cat'] }
 */
export function matchClasses(found: LabelledClasses, wanted: NamedClasses): ClassMatch {
  const used = found.labels === null ? null : new Set(found.labels);
  const classes = placesOf(found, wanted, (label) => used?.has(label) ?? true);
  return { classes, notes: [...meetingNotes(found, wanted), ...lackingNotes(found, wanted, classes, used)] };
}

/** True for "0", "1", "2", …: what classes without names are called. */
export function areNumbered(names: readonly string[]): boolean {
  return names.every((name, i) => name === String(i));
}

/**
 * The class names that a model without any takes over from what it is trained on; its own where they say
 * something, or the data's are numbers of its classes.
 */
export function adoptedNames(own: readonly string[], names: readonly string[]): readonly string[] {
  if (!areNumbered(own) || names.length > own.length) return own;
  const numbers = numbersOf(names);
  if (numbers?.every((number) => number < own.length)) return own;
  return [...names, ...own.slice(names.length)];
}

function placesOf(
  found: LabelledClasses,
  wanted: NamedClasses,
  isUsed: (label: number) => boolean,
): readonly number[] | null {
  const [names, others] = [found.classNames, wanted.classNames];
  const same = names.every((name, i) => name === others[i]);
  if (same || (areNumbered(names) && (areNumbered(others) || numbersOf(others) === null))) return null;
  const [numbers, otherNumbers] = [numbersOf(names), numbersOf(others)];
  // Words are known by their names, or, where they meet numbers, by their places.
  const byNumber = numbers !== null || otherNumbers !== null;
  const keys = byNumber ? (numbers ?? [...names.keys()]) : names;
  const otherKeys = byNumber ? (otherNumbers ?? [...others.keys()]) : others;
  const places = placesByKey<number | string>(otherKeys);
  const met = new Set<number>();
  return keys.map((key, label) => {
    const place = places.get(key) ?? -1;
    if (!isUsed(label)) return place;
    if (place === -1) throw unknown(found, wanted, label);
    if (place === -2 || met.has(place)) throw twice(found, wanted, label);
    met.add(place);
    return place;
  });
}

/** Where each key stands; -2 for one that is there twice. */
function placesByKey<K>(keys: readonly K[]): Map<K, number> {
  const places = new Map<K, number>();
  for (const [place, key] of keys.entries()) places.set(key, places.has(key) ? -2 : place);
  return places;
}

/** The numbers that names are, if all are, each another. */
function numbersOf(names: readonly string[]): readonly number[] | null {
  if (!names.every((name) => /^\d{1,15}$/.test(name))) return null;
  const numbers = names.map(Number);
  return new Set(numbers).size === numbers.length ? numbers : null;
}

function meetingNotes(found: NamedClasses, wanted: NamedClasses): string[] {
  const [names, others] = [found.classNames, wanted.classNames];
  if (names.length === 0 || (numbersOf(names) === null) === (numbersOf(others) === null)) return [];
  const [here, there] = [`${found.name} (${firstFew(names)})`, `${wanted.name} (${firstFew(others)})`];
  return [`the classes of ${here} and of ${there} were matched by number, from 0`];
}

function lackingNotes(
  found: NamedClasses,
  wanted: NamedClasses,
  classes: readonly number[] | null,
  used: ReadonlySet<number> | null,
): string[] {
  if (used === null) return [];
  const there = new Set([...used].map((label) => classes?.[label] ?? label));
  const lacking = wanted.classNames.filter((_, place) => !there.has(place));
  return lacking.length === 0 ? [] : [`${found.name} has no images of the classes ${firstFew(lacking)}`];
}

function unknown(found: NamedClasses, wanted: NamedClasses, label: number): LmError {
  return expected('ERR_DATASET', `a class of ${wanted.name}`, found.name, found.classNames[label], {
    hint: `Classes are matched by name, of ${firstFew(wanted.classNames)}. Rename or remove the others, or give a model these classes: \`classNames\`, lm-resnet train --from.`,
  });
}

function twice(found: NamedClasses, wanted: NamedClasses, label: number): LmError {
  const message = `Expected one class of each name for \`${found.name}\` but received several "${found.classNames[label]}", there or in ${wanted.name}`;
  return new LmError('ERR_DATASET', message, {
    hint: 'Classes in another order are matched by name: name them apart, or list the same names in the same order.',
  });
}
