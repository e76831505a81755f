/** What the routes work on. */
import { LmError } from '../../errors.ts';
import { summary } from '../../graph/summary.ts';
import { packageVersion } from '../../setup/binaries.ts';
import type { Classifier } from '../classifier.ts';
import type { ServiceSettings } from './options.ts';

/** A classifier with the limits of its service. */
export interface Service {
  readonly classifier: Classifier;
  readonly settings: ServiceSettings;
}

/** The name of its model. */
export function nameOf({ classifier, settings }: Service): string {
  return settings.name ?? classifier.graph.name;
}

/** What `GET /model` answers. */
export function modelFacts(service: Service): object {
  const { classifier, settings } = service;
  const { channels, height, width, mean, std } = classifier.input;
  const { maxBytes, maxPixels } = classifier.limits;
  return {
    name: nameOf(service),
    network: classifier.graph.name,
    parameters: summary(classifier.graph).totals.parameters,
    classNames: classifier.classNames,
    input: { channels, height, width, mean, std },
    device: classifier.device,
    dtype: classifier.dtype,
    limits: { maxBytes, maxPixels, maxImages: settings.maxImages, maxBody: settings.maxBody },
    version: packageVersion(),
  };
}

/**
 * Checks that a classifier still answers.
 *
 * @throws ERR_CLOSED.
 */
export function checkReady({ classifier }: Service): void {
  if (classifier.closed)
    throw new LmError('ERR_CLOSED', 'The service is closing', { hint: 'Ask another instance.' });
}
