/** The command line inside the test's own process: fast, for what needs no process of its own. */
import { vi } from 'vitest';
import { runCommand } from '../../src/cli/program.ts';

export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command and gathers what it says. */
export async function cli(args: readonly string[]): Promise<Said> {
  const out: string[] = [];
  const err: string[] = [];
  const line = (to: string[]) => (text: unknown) => void to.push(`${String(text)}\n`);
  const piece = (to: string[]) => (text: string | Uint8Array) => to.push(String(text)) > 0;
  const spies = [
    vi.spyOn(console, 'log').mockImplementation(line(out)),
    vi.spyOn(console, 'error').mockImplementation(line(err)),
    vi.spyOn(process.stdout, 'write').mockImplementation(piece(out)),
    vi.spyOn(process.stderr, 'write').mockImplementation(piece(err)),
  ];
  try {
    return { code: await runCommand(args), stdout: out.join(''), stderr: err.join('') };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
