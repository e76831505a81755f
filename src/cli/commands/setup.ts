/** `lm-resnet setup` */
import type { Command } from 'commander';
import { setupLibtorch } from '../../setup/setup.ts';

interface Flags {
  readonly cuda?: boolean;
  readonly cpu?: boolean;
  readonly from?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

const examples = `
Examples:
  $ lm-resnet setup                       libtorch without CUDA, about 200 MB to download
  $ lm-resnet setup --cuda                with CUDA, about 3 GB
  $ lm-resnet setup --from /opt/libtorch  use a folder that is there
  $ lm-resnet setup --from torch.whl      offline: a wheel or libtorch zip brought by hand
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
    .option('--dry-run', 'only print what would be done')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', examples)
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const { libtorch, installed, commands, target } = await setupLibtorch({
    cuda: flags.cuda ? true : flags.cpu ? false : undefined,
    from: flags.from,
    dryRun: flags.dryRun,
    onProgress: (line) => console.error(line),
  });
  if (flags.json) {
    console.log(JSON.stringify({ libtorch, installed, commands, target }, null, 2));
  } else if (libtorch === null) {
    console.log([...commands, `target: ${target}`].join('\n'));
  } else {
    console.log(`${installed ? 'Installed' : 'In use'}: libtorch ${libtorch.version} in ${libtorch.path}`);
  }
}
