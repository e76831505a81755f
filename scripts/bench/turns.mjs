// Programs that are timed in turn, A B A B …, in one run: each is a process that lives on, waits for a line,
// does its work and answers with a line of JSON.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** Starts a program: `turn()` for its next answer, `close()`, and of those that say what they are `about`. */
export async function start(name, [program, ...words], { env = process.env, about = true } = {}) {
  const child = spawn(program, words, { stdio: ['pipe', 'pipe', 'pipe'], env });
  let said = '';
  child.stderr.on('data', (data) => {
    said = (said + data).slice(-2000);
  });
  child.on('error', (error) => {
    said = error.message;
  });
  child.stdin.on('error', () => {}); // a child that died is reported where its answer is awaited
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => {
    const { value, done } = await lines.next();
    return done
      ? { unavailable: said.trim().split('\n').at(-1) || 'it ended without an answer' }
      : JSON.parse(value);
  };
  const first = about ? await answer() : {};
  const turn = async () => {
    child.stdin.write('turn\n');
    const found = await answer();
    if (found.unavailable) throw new Error(`${name}: ${found.unavailable}`);
    return found;
  };
  return { name, about: first, turn, close: () => child.stdin.end() };
}

/** In every round another one begins. */
export function inTurn(programs, round) {
  return programs.map((_, i) => programs[(i + round) % programs.length]);
}

export const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
export const rounded = (value, digits) => Number(value.toFixed(digits));
