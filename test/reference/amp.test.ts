/** Mixed precision against a program that casts where we say we do: scripts/reference/amp.py. */
import { describe, expect, it } from 'vitest';
import { errorOf, graphFor, readGolden } from './golden.ts';
import { networks } from './networks.ts';

const { cases } = readGolden(new URL('../golden/amp.json', import.meta.url));

describe('a network in mixed precision', () => {
  it.each(Object.entries(cases).map(([title, net]) => ({ title, net })))(
    '$title is that of PyTorch, far nearer to it than to float32',
    async ({ title, net }) => {
      const [name = '', amp] = title.split(' ') as [string, 'bfloat16' | 'float16'];
      const config = networks[name];
      if (config === undefined) throw new Error(`no network is called "${name}"`);
      const graph = graphFor(config, net);
      for (const pass of net.passes) {
        const { error, where } = await errorOf(graph, net, pass, { dtype: 'float32', amp });
        const full = await errorOf(graph, net, pass, { dtype: 'float32' });
        expect(error, `${pass.mode}, ${where}`).toBeLessThan(full.error / 10);
      }
    },
  );
});
