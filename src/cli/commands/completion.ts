/** `lm-resnet completion` */
import { Argument, type Command, type Option } from 'commander';

const shells = ['bash', 'zsh', 'fish'] as const;

const examples = `
Examples:
  $ lm-resnet completion bash > ~/.local/share/bash-completion/completions/lm-resnet
  $ lm-resnet completion zsh > ~/.zfunc/_lm-resnet        (a folder of $fpath, before compinit runs)
  $ lm-resnet completion fish > ~/.config/fish/completions/lm-resnet.fish`;

/** Adds the command `completion`: it knows the commands and flags that the program has when it runs. */
export function addCompletion(program: Command): void {
  program
    .command('completion')
    .description('print a script that completes commands and flags in a shell')
    .addArgument(new Argument('<shell>', 'which one').choices(shells))
    .addHelpText('after', examples)
    .action((shell: (typeof shells)[number]) => console.log(scripts[shell](wordsOf(program))));
}

/** A flag: its name, what it is for, and the values it may have, where they are few. */
interface Flag {
  readonly name: string;
  readonly about: string;
  readonly values: readonly string[];
  readonly takesValue: boolean;
}

interface Words {
  readonly name: string;
  readonly about: string;
  /** Commands below it: the `preview` of `data preview`. */
  readonly parts: readonly string[];
  readonly flags: readonly Flag[];
}

function wordsOf(program: Command): Words[] {
  return program.commands.map((command) => {
    const flags = [command, ...command.commands].flatMap(({ options }) => options);
    const known = new Map(
      flags.filter(({ hidden }) => !hidden).map((flag) => [flag.long ?? flag.flags, flag]),
    );
    return {
      name: command.name(),
      about: command.description(),
      parts: command.commands.map((part) => part.name()),
      flags: [...[...known].map(([name, flag]) => flagOf(name, flag)), helpFlag],
    };
  });
}

const helpFlag: Flag = { name: '--help', about: 'display help for command', values: [], takesValue: false };

function flagOf(name: string, { description, argChoices, flags }: Option): Flag {
  return { name, about: description, values: argChoices ?? listed(flags), takesValue: flags.includes('<') };
}

/** The values in `--loss <crossEntropy|bce>`. */
function listed(flag: string): string[] {
  const found = /<([^>]*\|[^>]*)>/.exec(flag)?.[1];
  return found === undefined ? [] : found.split('|');
}

const scripts: Readonly<Record<(typeof shells)[number], (commands: readonly Words[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

function bashScript(commands: readonly Words[]): string {
  const cases = commands.map(({ name, parts, flags }) => {
    const lists = [{ name, values: parts }, ...flags].filter(({ values: list }) => list.length > 0);
    const values = lists.map(
      (of) =>
        `    ${name}:${of.name}) COMPREPLY=($(compgen -W '${of.values.join(' ')}' -- "$word")); return ;;`,
    );
    const free = flags.filter((flag) => flag.takesValue && flag.values.length === 0);
    const files = free.map((flag) => `${name}:${flag.name}`).join('|');
    return [...values, ...(files === '' ? [] : [`    ${files}) compopt -o default; return ;;`])].join('\n');
  });
  const words = commands.map(
    ({ name, flags }) => `      ${name}) words='${flags.map((flag) => flag.name).join(' ')}' ;;`,
  );
  return `# bash completion of lm-resnet; lm-resnet completion bash writes it.
_lm_resnet() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} command=\${COMP_WORDS[1]} words
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W '${commands.map(({ name }) => name).join(' ')} --help --version' -- "$word"))
    return
  fi
  case $command:$before in
${cases.filter((text) => text !== '').join('\n')}
  esac
  if [[ $word == -* ]]; then
    case $command in
${words.join('\n')}
    esac
    COMPREPLY=($(compgen -W "$words" -- "$word"))
  else
    compopt -o default
  fi
}
complete -F _lm_resnet lm-resnet`;
}

function zshScript(commands: readonly Words[]): string {
  const text = (about: string): string =>
    about.replaceAll(/[\\'[\]:]/g, (sign) => (sign === "'" ? "'\\''" : `\\${sign}`));
  const flagText = ({ name, about, values, takesValue }: Flag): string => {
    const value = values.length > 0 ? `:value:(${values.join(' ')})` : takesValue ? ':value:_files' : '';
    return `'${name}[${text(about)}]${value}'`;
  };
  const names = commands.map(({ name, about }) => `    '${name}:${text(about)}'`);
  const cases = commands.map(({ name, parts, flags }) => {
    const first = parts.length > 0 ? [`'1:command:(${parts.join(' ')})'`] : [];
    return `    ${name}) _arguments ${[...flags.map(flagText), ...first, "'*:file:_files'"].join(' ')} ;;`;
  });
  return `#compdef lm-resnet
# zsh completion of lm-resnet; lm-resnet completion zsh writes it.
_lm_resnet() {
  local -a commands=(
${names.join('\n')}
  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  case $command in
${cases.join('\n')}
  esac
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _lm_resnet "$@"
else
  compdef _lm_resnet lm-resnet
fi`;
}

function fishScript(commands: readonly Words[]): string {
  const text = (about: string): string => `'${about.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const first = commands.map(
    ({ name, about }) => `complete -c lm-resnet -n __fish_use_subcommand -f -a ${name} -d ${text(about)}`,
  );
  const parts = commands
    .filter((command) => command.parts.length > 0)
    .map(
      ({ name, parts: all }) =>
        `complete -c lm-resnet -n '__fish_seen_subcommand_from ${name}' -f -a '${all.join(' ')}'`,
    );
  const flags = commands.flatMap(({ name, flags: all }) =>
    all.map((flag) => {
      const value =
        flag.values.length > 0 ? ` -x -a '${flag.values.join(' ')}'` : flag.takesValue ? ' -r' : '';
      const long = flag.name.replace(/^--/, '');
      return `complete -c lm-resnet -n '__fish_seen_subcommand_from ${name}' -l ${long}${value} -d ${text(flag.about)}`;
    }),
  );
  const title = '# fish completion of lm-resnet; lm-resnet completion fish writes it.';
  return [title, ...first, ...parts, ...flags].join('\n');
}
