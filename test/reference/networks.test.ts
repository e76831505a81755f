/**
 * Networks against code that nobody here wrote, or a PyTorch program: scripts/reference/README.md says how
 * golden files are made.
 */
import { describe, expect, it } from 'vitest';
import { errorOf, graphFor, readGolden } from './golden.ts';
import { networks } from './networks.ts';

const families = ['resnet', 'preact', 'lm', 'polynet', 'fractal', 'revnet', 'shake', 'schemes', 'zerosnet'];

describe.each(families)('%s, from the same weights and images in float64', (family) => {
  const { cases } = readGolden(new URL(`../golden/${family}.json`, import.meta.url));

  it.each(Object.entries(cases).map(([name, net]) => ({ name, net, against: net.against })))(
    '$name has the logits, gradients and statistics of $against, to 1e-9',
    async ({ name, net }) => {
      const config = networks[name];
      if (config === undefined) throw new Error(`no network is called "${name}"`);
      const graph = graphFor(config, net);
      for (const pass of net.passes) {
        const { error, where } = await errorOf(graph, net, pass);
        expect(error, `${pass.mode}, seed ${pass.seed}, ${where}`).toBeLessThan(1e-9);
      }
    },
  );
});
