// Reads a Dockerfile, and carries its instructions out in folders that become the roots of programs: what a
// builder of images does, without one. It knows the instructions of examples/Dockerfile and refuses others.
import { cpSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';

/** @returns {{ from: string, name?: string, steps: { word: string, text: string }[] }[]} its stages. */
export function readStages(text) {
  const lines = text
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n\s*/g, '')
    .split('\n');
  const stages = [];
  for (const line of lines.filter((line) => line.trim() !== '')) {
    const [, word, rest] = /^(\w+)\s+(.*)$/.exec(line);
    if (word === 'FROM') {
      const [, from, name] = /^(\S+)(?:\s+AS\s+(\S+))?$/.exec(rest);
      stages.push({ from, name, steps: [] });
    } else {
      stages.at(-1).steps.push({ word, text: rest });
    }
  }
  return stages;
}

/**
 * @param {object} place root: the stage's folder; context: that of the build; stages: roots of earlier stages
 * by name; run(command, state): runs a line of shell in the root.
 * @returns {Promise<object>} what the image is: env, cwd, user, command, health.
 */
export async function carryOut(steps, place) {
  let state = { env: {}, cwd: '/', user: 'root' };
  for (const { word, text } of steps) {
    const instruction = instructions[word];
    if (instruction === undefined) throw new Error(`${word} ${text}: no such instruction is known here`);
    console.log(`${word} ${text}`);
    state = { ...state, ...(await instruction(text, state, place)) };
  }
  return state;
}

const instructions = {
  RUN: (text, state, { run }) => run(text, state),
  ENV: (text, { env }) => ({
    env: { ...env, ...Object.fromEntries(text.split(/\s+/).map((pair) => pair.split('='))) },
  }),
  WORKDIR: (cwd, _, { root }) => {
    mkdirSync(join(root, cwd), { recursive: true });
    return { cwd };
  },
  COPY: copy,
  USER: (user) => ({ user }),
  EXPOSE: () => ({}),
  HEALTHCHECK: (text) => ({ health: /^CMD (.*)$/.exec(text)[1] }),
  CMD: (text) => ({ command: JSON.parse(text) }),
};

/** A folder's contents, or a file; all belong to root then, who runs this. */
function copy(text, { cwd }, { root, context, stages }) {
  const [, from, source, target] = /^(?:--from=(\S+) )?(\S+) (\S+)$/.exec(text);
  const [origin, base] = [join(from ? stages[from] : context, source), join(root, cwd)];
  const place = target.startsWith('/') ? join(root, target) : join(base, target);
  const isFile = statSync(origin).isFile();
  const into =
    isFile && existsSync(place) && statSync(place).isDirectory() ? join(place, basename(origin)) : place;
  cpSync(origin, into, { recursive: true, verbatimSymlinks: true });
}
