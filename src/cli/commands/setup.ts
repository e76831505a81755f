/** `lm-resnet setup` */
import type { Command } from 'commander';
import { expected } from '../../errors.ts';
import { removeLibtorch } from '../../setup/remove.ts';
import { setupLibtorch } from '../../setup/setup.ts';
import { withSignals } from '../signals.ts';

interface Flags {
  readonly cuda?: boolean;
  readonly cpu?: boolean;
  readonly from?: string;
  readonly libtorch?: string;
  readonly remove?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

const examples = `
Examples:
  $ lm-resnet setup                       libtorch without CUDA, about 200 MB to download
  $ lm-resnet setup --cuda                with CUDA, about 3 GB
  $ lm-resnet setup --libtorch 2.13       this minor release; several lie side by side
  $ lm-resnet setup --from /opt/libtorch  use a folder that is there
  $ lm-resnet setup --from torch.whl      offline: a wheel or libtorch zip brought by hand
  $ lm-resnet setup --remove              delete what it installed; --cuda, --cpu, --libtorch 2.13: that alone
  $ lm-resnet setup --dry-run             print the pip commands and do nothing

The folder is ~/.cache/lm-resnet, or the one that the environment LM_RESNET_CACHE names. pip's own configuration
(indexes, proxies, certificates) holds.`;

/** Adds the command `setup`. */
export function addSetup(program: Command): void {
  program
    .command('setup')
    .description("install libtorch into the user's cache, or record one that is there")
    .option('--cuda', 'with CUDA')
    .option('--cpu', 'without CUDA, even where one with CUDA is recorded')
    .option('--from <path>', 'a folder of libtorch, a torch wheel (.whl) or a libtorch archive (.zip)')
    .option(
      '--libtorch <minor>',
      'a minor release, such as 2.13 (default: the newest that fits and pip can get)',
    )
    .option('--remove', 'delete what was installed, and forget what was recorded')
    .option('--dry-run', 'only print what would be done')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', examples)
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  if (flags.remove) return remove(flags);
  const options = {
    cuda: flags.cuda ? true : flags.cpu ? false : undefined,
    from: flags.from,
    minor: flags.libtorch,
    dryRun: flags.dryRun,
    onProgress: (line: string) => console.error(line),
  };
  const { libtorch, installed, commands, target } = await withSignals(
    (signal) => setupLibtorch({ ...options, signal }),
    { stopping: 'stopping; what was downloaded is kept for the next time' },
  );
  if (flags.json) {
    console.log(JSON.stringify({ libtorch, installed, commands, target }, null, 2));
  } else if (libtorch === null) {
    console.log([...commands, `target: ${target}`].join('\n'));
  } else {
    console.log(`${installed ? 'Installed' : 'In use'}: libtorch ${libtorch.version} in ${libtorch.path}`);
  }
}

async function remove({ from, cuda, cpu, libtorch, dryRun, json }: Flags): Promise<void> {
  if (from !== undefined) throw expected('ERR_CONFIG', 'no --from', '--remove', from);
  const flavour = cuda ? 'cuda' : cpu ? 'cpu' : undefined;
  const result = await removeLibtorch({ flavour, minor: libtorch, dryRun });
  if (json) return console.log(JSON.stringify(result, null, 2));
  const done = dryRun ? 'Would remove' : 'Removed';
  const { removed, bytes, forgotten } = result;
  if (removed.length === 0 && forgotten === null) return console.log('There is nothing to remove.');
  if (removed.length > 0) console.log(`${done} ${Math.round(bytes / 1e6)} MB: ${removed.join(', ')}`);
  const own = forgotten !== null && !removed.some((folder) => forgotten.startsWith(folder));
  if (own) console.log(`${forgotten} is recorded no longer, and stays where it is.`);
}
