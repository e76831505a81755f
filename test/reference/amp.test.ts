/** Mixed precision against a program that casts where we say we do: scripts/reference/amp.py. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { errorOf, type GoldenNet, graphFor, readGolden } from './golden.ts';
import { networks } from './networks.ts';

const golden = (processor: string): Readonly<Record<string, GoldenNet>> =>
  readGolden(new URL(`../golden/amp-${processor}.json`, import.meta.url)).cases;

type Half = 'bfloat16' | 'float16';

/** What a processor that multiplies a half type natively lists among its flags. */
const native: Readonly<Record<Half, RegExp>> = {
  bfloat16: /\b(amx_bf16|avx512_bf16)\b/,
  float16: /\b(amx_fp16|avx512_fp16)\b/,
};
const flags = readFileSync('/proc/cpuinfo', 'utf8');
const here = flags.includes('amx_bf16') ? 'amx' : 'avx512_bf16';

/**
 * Every net with the reference made on a processor like this one, or, where there is none, on the one that
 * has them all.
 */
const rows = Object.entries(golden('amx')).map(([title, net]) => {
  const [name = '', half] = title.split(' ') as [string, Half];
  const own = native[half].test(flags) ? golden(here)[title] : undefined;
  return { title, name, half, net: own ?? net, exact: own !== undefined };
});

describe('a network in mixed precision', () => {
  it.each(rows.filter(({ exact }) => exact))(
    `$title is that of PyTorch on this processor (${here}), far nearer to it than to float32`,
    async ({ name, half, net }) => {
      const graph = graphFor(networks[name] ?? expect.fail(`no network is called "${name}"`), net);
      for (const pass of net.passes) {
        const { error, where } = await errorOf(graph, net, pass, { dtype: 'float32', amp: half });
        const full = await errorOf(graph, net, pass, { dtype: 'float32' });
        expect(error, `${pass.mode}, ${where}`).toBeLessThan(full.error / 10);
      }
    },
  );

  // Without native products libtorch also accumulates in the half type: only what is not summed over many
  // pixels can be compared.
  it.each(rows.filter(({ exact }) => !exact))(
    '$title has the logits of PyTorch on another processor, within the rounding of its type',
    async ({ name, half, net }) => {
      const graph = graphFor(networks[name] ?? expect.fail(`no network is called "${name}"`), net);
      for (const { mode, seed, logits, value } of net.passes) {
        const pass = { mode, seed, logits, value };
        const { error, where } = await errorOf(graph, net, pass, { dtype: 'float32', amp: half });
        expect(error, `${mode}, ${where}`).toBeLessThan(half === 'bfloat16' ? 0.03 : 0.004);
      }
    },
  );
});
