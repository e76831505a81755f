/** `lm-resnet serve` */
import { type Command, Option } from 'commander';
import { z } from 'zod';
import { LmError } from '../../errors.ts';
import { Classifier } from '../../serve/classifier.ts';
import { type ClassifierServer, serveClassifier, serveShape } from '../../serve/http/server.ts';
import { servingShape } from '../../serve/options.ts';
import { checkpointHelp, checkpointPath } from '../checkpointPath.ts';
import { addFlags, countOption, givenFlags } from '../flags.ts';
import { initFrom, type PlaceFlags } from '../place.ts';
import { withSignals } from '../signals.ts';

interface Flags extends PlaceFlags, Record<string, unknown> {
  readonly apiKey?: string;
  readonly json?: boolean;
}

const { apiKey: _, ...serverShape } = serveShape;
const serverFlags = z.object(serverShape);
const classifierFlags = z.object(servingShape);

const examples = `
Examples:
  $ lm-resnet serve model.safetensors
  $ curl -F image=@seven.png http://127.0.0.1:8000/classify
  $ curl --data-binary @seven.png -H 'Content-Type: image/png' 'http://127.0.0.1:8000/classify?topK=3'
  $ LM_RESNET_API_KEY=secret lm-resnet serve model.safetensors --host 0.0.0.0 --port 80
  $ kill -HUP PID       loads the file anew, and drops no request; kill -TERM PID ends it so, too

More in docs/serving.md.`;

/** Adds the command `serve`. */
export function addServe(program: Command): void {
  const command = program
    .command('serve')
    .description('classify images over HTTP')
    .argument('<checkpoint>', checkpointHelp)
    .option('--api-key <key>', 'key that requests need (default: LM_RESNET_API_KEY, or none)')
    .option('--json', 'print one line of JSON with the address')
    .addOption(new Option('--device <name>', 'auto, cpu, cuda or cuda:<index> (default: auto)'))
    .addOption(countOption('threads', 'threads that compute (default: the available cores)'))
    .addOption(new Option('--libtorch <folder>', 'libtorch to use (default: the one that is found)'));
  addFlags(command, serverFlags);
  addFlags(command, classifierFlags);
  command.addHelpText('after', examples).action(run);
}

async function run(checkpoint: string, flags: Flags): Promise<void> {
  initFrom(flags);
  const apiKey = flags.apiKey ?? (process.env.LM_RESNET_API_KEY || undefined);
  await withSignals(
    async (signal) => {
      const { device } = flags;
      await using classifier = await Classifier.open(await checkpointPath(checkpoint), {
        ...givenFlags(classifierFlags, flags),
        device,
      });
      const reload = (): void => void reloaded(classifier, checkpoint);
      await using server = await serveClassifier(classifier, { ...givenFlags(serverFlags, flags), apiKey });
      process.on('SIGHUP', reload);
      try {
        tell(server, classifier, flags, apiKey !== undefined);
        await new Promise<void>((resolve) => {
          if (signal.aborted) resolve();
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
      } finally {
        process.off('SIGHUP', reload);
      }
    },
    { stopping: 'answering the requests that came in', others: ['SIGHUP'] },
  );
}

function tell(
  { url, host, port }: ClassifierServer,
  classifier: Classifier,
  { json }: Flags,
  hasKey: boolean,
): void {
  const { graph, device } = classifier;
  const { replicas, threads, decoders, amp, chosen } = classifier.plan;
  if (json) console.log(JSON.stringify({ url, host, port, model: graph.name, device, ...classifier.plan }));
  else {
    console.log(`${graph.name} with ${classifier.classNames.length} classes at ${url}`);
    const how = `${threads} threads, replicas: ${replicas}, images decoded at a time: ${decoders}, amp: ${amp}`;
    console.log(`computes on ${device} with ${how}`);
    console.log(`(${chosen})`);
  }
  if (!hasKey && !/^(localhost|127\.|::1$)/.test(host))
    console.error('note: whoever reaches this address may use it; --api-key asks for a key');
}

async function reloaded(classifier: Classifier, checkpoint: string): Promise<void> {
  try {
    const path = await checkpointPath(checkpoint);
    await classifier.reload(path);
    console.error(`SIGHUP: ${path} was loaded anew`);
  } catch (error) {
    const told = error instanceof LmError ? `${error.code}: ${error.message}` : String(error);
    console.error(`SIGHUP: the old model goes on; error ${told}`);
  }
}
