/** A machine with a made-up Python, for set-ups that download nothing. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../../src/setup/cache.ts';
import { type SetupOptions, setupLibtorch } from '../../src/setup/setup.ts';
import { emptyEnvironment, linkedLibtorch, temporaryFolder } from '../support/libtorch.ts';

/** A Python whose pip "installs" the folder TEMPLATE; what it does before that comes from the test. */
const python = (behaviour: string): string => `#!/bin/sh
case "$*" in
  *find_spec*) exit 0 ;;
  *version_info*) echo "3.11.2"; [ -n "$NO_PIP" ] || echo "23.0"; exit 0 ;;
esac
echo "$*" >> "$LOG"
downloads="$5"
while [ $# -gt 1 ]; do
  case "$1" in --target) target="$2" ;; -e) target="$3" ;; --extra-index-url) extra="$2" ;; esac
  shift
done
${behaviour}
cp -a "$TEMPLATE" "$target/torch"
`;

export interface World {
  readonly env: NodeJS.ProcessEnv;
  readonly store: string;
  /** Arguments of every installing call so far. */
  calls(): string[];
  setup(options?: SetupOptions): ReturnType<typeof setupLibtorch>;
}

/**
 * A machine with a made-up Python, whose pip installs the real libtorch behind a link unless told otherwise.
 */
export function world(behaviour = '', template?: string): World {
  const root = temporaryFolder();
  const programs = join(root, 'bin');
  mkdirSync(programs);
  writeFileSync(join(programs, 'python3'), python(behaviour), { mode: 0o755 });
  const env: NodeJS.ProcessEnv = {
    ...emptyEnvironment(root),
    PATH: `${programs}:/usr/bin:/bin`,
    LOG: join(root, 'log'),
    TEMPLATE: template ?? linkedLibtorch(join(root, 'template')),
  };
  return {
    env,
    store: join(cacheFolder(env), 'libtorch'),
    calls: () =>
      existsSync(join(root, 'log')) ? readFileSync(join(root, 'log'), 'utf8').trim().split('\n') : [],
    setup: (options = {}) => setupLibtorch({ env, ...options }),
  };
}
