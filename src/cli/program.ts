/**
 * The command line as a function: parses, dispatches, and turns every error into a message and an exit code.
 */
import { Command, CommanderError } from 'commander';
import { errorCodes, LmError } from '../errors.ts';
import { expandHome } from '../files.ts';
import { tellDeviceNotes } from '../model/device.ts';
import { writeLastWords } from '../ranks/lastWords.ts';
import { packageVersion } from '../setup/binaries.ts';
import { addAnalyze } from './commands/analyze.ts';
import { addCompletion } from './commands/completion.ts';
import { addConvert } from './commands/convert.ts';
import { addData } from './commands/data.ts';
import { addDeepen } from './commands/deepen.ts';
import { addDoctor } from './commands/doctor.ts';
import { addEvaluate } from './commands/evaluate.ts';
import { addExport } from './commands/export.ts';
import { addFindBatch } from './commands/findBatch.ts';
import { addFindLr } from './commands/findLr.ts';
import { addInfo } from './commands/info.ts';
import { addLaunch } from './commands/launch.ts';
import { addPack } from './commands/pack.ts';
import { addPredict } from './commands/predict.ts';
import { addReport } from './commands/report.ts';
import { addSchema } from './commands/schema.ts';
import { addServe } from './commands/serve.ts';
import { addSetup } from './commands/setup.ts';
import { addTrain } from './commands/train.ts';
import { Verdict } from './output/verdict.ts';
import { exitCodeOf } from './signals.ts';

const exits = `
Exit codes: 0 done, 1 failed, ${errorCodes.ERR_CONFIG.exit} wrong option, ${errorCodes.ERR_FILE.exit} wrong file, \
${errorCodes.ERR_NOT_FINITE.exit} not finite, ${errorCodes.ERR_LIBTORCH_NOT_FOUND.exit} machine not ready, \
128 + n ended by signal n (130 Ctrl-C, 143 SIGTERM).`;

function program(): Command {
  const root = new Command('lm-resnet')
    .description(
      'Train, study and serve ResNet-family image classifiers as numerical ODE integrators, on libtorch.',
    )
    .version(packageVersion())
    .addHelpText('after', exits)
    .exitOverride();
  for (const add of [
    addTrain,
    addLaunch,
    addFindLr,
    addFindBatch,
    addEvaluate,
    addPredict,
    addServe,
    addAnalyze,
    addReport,
    addData,
    addPack,
    addInfo,
    addConvert,
    addExport,
    addDeepen,
    addSchema,
    addSetup,
    addDoctor,
    addCompletion,
  ])
    add(root);
  for (const command of root.commands) command.exitOverride();
  return root;
}

/**
 * Runs the command line.
 *
 * @param args what stands behind the program's name.
 * @returns the exit code; nothing is thrown.
 * @example
 * process.exitCode = await runCommand(['info', 'lm_resnet20']);
 */
export async function runCommand(args: readonly string[]): Promise<number> {
  const quiet = args.includes('--quiet');
  tellDeviceNotes((note) => quiet || console.error(`note: ${note}`));
  try {
    await program().parseAsync(args.map(atHome), { from: 'user' });
    return 0;
  } catch (error) {
    if (!isShown(error)) await writeLastWords(error);
    return explain(error, args.includes('--json'));
  }
}

/** Whether it is no failure of its own: help that was asked for, or what another process said. */
const isShown = (error: unknown): boolean =>
  error instanceof Verdict || (error instanceof CommanderError && error.exitCode === 0);

/** An argument with `~/` written out where a shell leaves it: in quotes, and behind `--run=`. */
function atHome(arg: string): string {
  const [, flag = '', path] = /^(--[\w-]+=)?(~|~\/.*)$/s.exec(arg) ?? [];
  return path === undefined ? arg : `${flag}${expandHome(path)}`;
}

/** Prints an error, as JSON too where that is wanted; returns the exit code. */
function explain(error: unknown, json: boolean): number {
  if (error instanceof Verdict) return error.exitCode;
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    // Commander has printed it.
    return report(new LmError('ERR_CONFIG', error.message.replace(/^error: /, '')), json);
  }
  if (!(error instanceof LmError)) {
    console.error(error);
    return 1;
  }
  const hint = error.hint === undefined ? '' : `\n${error.hint}`;
  console.error(`error ${error.code}: ${error.message}${hint}`);
  return report(error, json);
}

function report(error: LmError, json: boolean): number {
  const { code, message, hint = null } = error;
  if (json) console.log(JSON.stringify({ error: { code, message, hint } }));
  return exitCodeOf(error);
}
