import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

// One thread per process: OpenMP teams that spin against each other are 4 to 10 times slower than one.
export default defineConfig({
  // The examples import the package by its name.
  resolve: { alias: { 'lm-resnet': new URL('src/index.ts', import.meta.url).pathname } },
  test: {
    // Whole published networks, with a folder that scripts/reference made; by hand.
    include: [process.env.LM_RESNET_REFERENCE ? 'test/reference/*.check.ts' : 'test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: availableParallelism() + 1, // many wait for children
    // A process runs many files: what they import, libtorch before all, is loaded once. A test puts back what it
    // changes of the process.
    isolate: false,
    testTimeout: 60_000,
    typecheck: { enabled: true, tsconfig: './tsconfig.test.json', include: ['test/types/**/*.test-d.ts'] },
    env: { OMP_NUM_THREADS: '1', OMP_WAIT_POLICY: 'passive' },
  },
});
