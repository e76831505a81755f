import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { nodeProblem, oldestNode } from '../src/nodeVersion.ts';

describe('nodeProblem', () => {
  it.each(['18.20.8', '20.18.3', '19.9.0', '0.12.18'])('is one sentence in Node %s', (version) => {
    expect(nodeProblem(version)).toBe(`lm-resnet needs Node 20.19 or newer; this is Node ${version}.`);
  });

  it.each(['20.19.0', '20.20.2', '22.0.0', '26.1.0-nightly'])('is nothing in Node %s', (version) => {
    expect(nodeProblem(version)).toBeNull();
  });

  it('asks for what package.json asks for', () => {
    const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
    expect(engines.node).toBe(`>=${oldestNode.join('.')}`);
  });
});
