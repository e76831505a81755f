/** Flags that say how image files are looked at, in place of what the checkpoint says. */
import { type Command, Option } from 'commander';
import { z } from 'zod';
import { parseOptions } from '../check.ts';
import { expected } from '../errors.ts';
import type { Dataset } from '../loading/dataset.ts';
import { decodingShape } from '../transforms/decoding.ts';
import { preprocessingShape, type SomePreprocessing } from '../transforms/preprocessing.ts';
import { parseTransform, type Transform } from '../transforms/transforms.ts';
import { addFlags, givenFlags } from './flags.ts';

const schema: z.ZodType<SomePreprocessing> = z.object(preprocessingShape);

/** A flag `--transform <JSON>`. */
export function transformOption(description: string): Option {
  return new Option('--transform <JSON>', description).argParser((text) => {
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw expected('ERR_CONFIG', 'JSON', '--transform', text, { cause });
    }
  });
}

/** Adds --transform, --exif and --sixteen-bit. */
export function addLookFlags(command: Command): void {
  command.addOption(
    transformOption("list of operations on image files (default: the checkpoint's, that of its evaluations)"),
  );
  addFlags(command, z.object(decodingShape));
}

/**
 * What these flags say.
 *
 * @throws ERR_CONFIG for a wrong operation.
 */
export function lookFrom(flags: object): SomePreprocessing {
  return parseOptions(schema, givenFlags(schema, { ...flags }), 'flags');
}

/** What brings pixels in memory to a size: nothing where they have it, or where images are files. */
export function resizing({ size }: Dataset, [height, width]: readonly [number, number]): Transform {
  if (size === null || (size.height === height && size.width === width)) return [];
  return parseTransform([{ kind: 'resize', size: [height, width] }]);
}
