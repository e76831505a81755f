// Makes a release: version, changelog, packages, verification, commit and tag. Pushing the tag starts
// .github/workflows/release.yml, which builds for every platform and publishes with provenance.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const help = `Usage: npm run release -- VERSION [--dry-run]

Sets the version, gives the changes under "Unreleased" their heading, packs and proves the packages as a user
gets them (scripts/check-package.mjs), commits and tags. Nothing is pushed or published; where a step fails, nothing stays changed.

  --dry-run    do the checks and the proof, write nothing, and say what would be done`;

/** @returns {string} the changelog with the unreleased changes under a heading. Fails where none are. */
export function releasedChangelog(text, version, date) {
  const [before, rest] = text.split(/^## Unreleased\n/m);
  if (rest === undefined) throw new Error('CHANGELOG.md has no heading "## Unreleased"');
  const changes = rest.split(/^## /m)[0].trim();
  if (changes === '')
    throw new Error('CHANGELOG.md has nothing under "Unreleased": there is nothing to release');
  return `${before}## Unreleased\n\n## ${version} - ${date}\n${rest}`;
}

/** Fails for what is no version, or none after the current one. */
export function checkVersion(version, current) {
  const parse = (text) => /^(\d+)\.(\d+)\.(\d+)$/.exec(text)?.slice(1).map(Number);
  const [next, last] = [parse(version), parse(current)];
  if (next === undefined) throw new Error(`Expected a version such as 1.2.3 but received ${version}`);
  const first = next.findIndex((part, i) => part !== last[i]);
  if (first === -1 || next[first] < last[first]) {
    throw new Error(`Expected a version after ${current} but received ${version}`);
  }
}

function release(version, dryRun) {
  const changelog = readFileSync(join(root, 'CHANGELOG.md'), 'utf8');
  const { version: current } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  checkVersion(version, current);
  const text = releasedChangelog(changelog, version, new Date().toISOString().slice(0, 10));
  const unclean = git('status', '--porcelain').trim();
  if (unclean !== '' && !dryRun) throw new Error(`Expected a clean working tree but found:\n${unclean}`);
  const steps = [
    [`version ${current} -> ${version} in package.json and package-lock.json`, () => setVersion(version)],
    ['changes get their heading in CHANGELOG.md', () => writeFileSync(join(root, 'CHANGELOG.md'), text)],
    ['pack, and prove the packages as a user gets them', prove, true],
    [`commit "Release ${version}"`, () => git('commit', '-am', `Release ${version}`)],
    [
      `tag v${version}; \`git push --follow-tags\` publishes`,
      () => git('tag', '-a', `v${version}`, '-m', version),
    ],
  ];
  try {
    for (const [what, work, harmless] of steps) {
      console.log(dryRun && !harmless ? `would do: ${what}` : what);
      if (!dryRun || harmless) work();
    }
  } catch (error) {
    // The tree was clean: what it has now is what the steps wrote.
    if (!dryRun) git('checkout', '--', 'package.json', 'package-lock.json', 'CHANGELOG.md');
    throw error;
  }
}

function setVersion(version) {
  const args = ['version', version, '--no-git-tag-version', '--allow-same-version', '--ignore-scripts'];
  execFileSync('npm', args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
}

function prove() {
  execFileSync(process.execPath, [join(root, 'scripts', 'check-package.mjs')], {
    cwd: root,
    stdio: 'inherit',
  });
}

function git(...args) {
  return execFileSync('git', args, { cwd: root, encoding: 'utf8' });
}

function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { help: { type: 'boolean' }, 'dry-run': { type: 'boolean' } },
  });
  const [version] = positionals;
  if (values.help) return console.log(help);
  if (version === undefined) throw new Error(`Expected a version but received none\n\n${help}`);
  release(version, values['dry-run'] ?? false);
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    main();
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
