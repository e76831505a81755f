/** `lm-resnet doctor` */
import type { Command } from 'commander';
import { errorCodes } from '../../errors.ts';
import { diagnose } from '../../setup/doctor.ts';
import { formatReport } from '../../setup/report.ts';
import { Verdict } from '../output/verdict.ts';

interface Flags {
  readonly json?: boolean;
  readonly libtorch?: string;
}

const examples = `
Examples:
  $ lm-resnet doctor                             what is there, what is missing, what to do
  $ lm-resnet doctor --libtorch /opt/libtorch    would this folder do?
  $ lm-resnet doctor --json > report.json        for a bug report

Exit code: 0 when libtorch and the addon load, else 5.`;

/** Adds the command `doctor`. */
export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('examine this machine: libtorch, addon, tools, GPU, and a load test')
    .option('--libtorch <folder>', 'a folder to examine first')
    .option('--json', 'print the report as JSON')
    .addHelpText('after', examples)
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const report = await diagnose({ libtorch: flags.libtorch });
  console.log(flags.json ? JSON.stringify(report, null, 2) : formatReport(report));
  if (!report.ok) throw new Verdict(errorCodes.ERR_LIBTORCH_NOT_FOUND.exit);
}
