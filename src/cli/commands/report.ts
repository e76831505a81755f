/** `lm-resnet report` */
import type { Command } from 'commander';
import { replaceFile } from '../../files.ts';
import { compareRuns } from '../../report/run/compareRuns.ts';
import { reportPage } from '../../report/run/page.ts';
import { type PageFlags, pagePath } from '../pagePath.ts';

const examples = `
Examples:
  $ lm-resnet report runs/lm_resnet20 runs/preact_resnet20 --out report.html
  $ lm-resnet report runs/* --json > runs.json`;

/** Adds the command `report`. */
export function addReport(program: Command): void {
  program
    .command('report')
    .description('runs side by side: results, settings that differ, curves, learned coefficients, as a page')
    .argument('<runs...>', 'run folders, as train writes them')
    .option('--out <file>', 'page to write (default: report.html)')
    .option('--force', 'overwrite the page')
    .option('--json', 'print the compared data as JSON; a page is written with --out only')
    .addHelpText('after', examples)
    .action(run);
}

async function run(folders: readonly string[], flags: PageFlags): Promise<void> {
  const out = pagePath(flags, 'report.html');
  const comparison = await compareRuns(folders);
  if (out !== undefined) await replaceFile(out, (file) => file.writeFile(reportPage(comparison)));
  if (flags.json) console.log(JSON.stringify(comparison));
  else console.log(`wrote ${out}`);
}
