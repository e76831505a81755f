import { describe, expect, it } from 'vitest';
import * as api from '../src/index.ts';
import { temporaryFolder } from './support/folder.ts';
import { askNode, dist, emptyEnvironment } from './support/libtorch.ts';

/**
 * Every value of the public API; types are in test/types. A name that comes or goes is a line of the change
 * log.
 */
const names = {
  imports: ['importTorchvision', 'torchvisionModels'],
  exports: ['exportOnnx', 'exportTorch'],
  models: ['createModel', 'Model', 'preset', 'presetConfig', 'presetNames', 'presets', 'network', 'nn'],
  schemes: [
    'adamsBashforth2',
    'euler',
    'fractal',
    'fractalTransition',
    'leapfrog',
    'linearTwoStep',
    'midpoint',
    'momentum',
    'mpoly',
    'poly',
    'projected',
    'reversible',
    'rungeKutta',
    'tableaus',
    'threeStep',
    'way',
  ],
  randomness: ['bernoulli', 'dropout', 'dropPath', 'gaussianNoise', 'mix', 'noise', 'shake'],
  graphs: ['Graph', 'trace', 'summary'],
  operations: [
    'avgPool2d',
    'batchNormApply',
    'batchNormStats',
    'concat',
    'conv2d',
    'globalAvgPool',
    'lin',
    'linear',
    'maxPool2d',
    'padChannels',
    'relu',
    'slice',
  ],
  coefficients: ['minus', 'plus', 'reciprocal', 'tanh', 'times'],
  inits: ['constantInit', 'heNormal', 'normal', 'uniform'],
  data: [
    'channelStatistics',
    'datasetNames',
    'datasets',
    'imageSet',
    'loadDataset',
    'readImage',
    'writeImage',
    'Dataset',
    'openDataset',
    'parseDataset',
    'fromAsyncIterable',
    'batches',
    'checkImages',
    'pack',
    'transformImage',
    'writePreview',
    'imagenetMean',
    'imagenetStd',
    'cifarTrain',
    'imagenetEval',
    'imagenetTrain',
    'usualEval',
    'wholeImage',
  ],
  depth: ['deepen', 'halfStep'],
  evaluation: ['evaluateInDetail'],
  runs: ['lastGoodCheckpoint'],
  searches: ['findLearningRate', 'findBatch', 'drawRates', 'writeRates'],
  curves: ['compareRuns', 'drawCurves', 'openEventFile', 'readMetrics', 'reportPage', 'writeCurves'],
  ranks: ['Ranks', 'joinRanks'],
  training: [
    'train',
    'recipe',
    'recipeNames',
    'recipes',
    'constant',
    'cosine',
    'linearDecay',
    'multistep',
    'oneCycle',
    'polyDecay',
    'stepDecay',
  ],
  analysis: ['analyze', 'analysisPage', 'drawNetwork'],
  serving: ['Classifier', 'classifierHandler', 'fastifyClassifier', 'serveClassifier'],
  errors: ['LmError', 'errorCodes', 'isLmError'],
  machine: ['init'],
};

describe('the public API', () => {
  it('is exactly these names', () => {
    expect(Object.keys(api).toSorted()).toEqual(Object.values(names).flat().toSorted());
  });

  it('has these building blocks under nn', () => {
    const parts = {
      layers: [
        'chain',
        'conv',
        'convNormRelu',
        'dropout',
        'linear',
        'norm',
        'relu',
        'remembered',
        'xavierUniform',
      ],
      convs: ['basicConvs', 'bottleneckConvs', 'postact', 'preact'],
      blocks: [
        'basic',
        'bottleneck',
        'convBnRelu',
        'inception',
        'preactBasic',
        'preactBottleneck',
        'reluBasic',
      ],
      ends: ['cifarStem', 'imagenetStem', 'noStem', 'polynetStem', 'plainHead', 'preactHead'],
      shortcuts: [
        'normedProjection',
        'optionA',
        'ownNorm',
        'plainProjection',
        'pooledPadding',
        'preactivated',
        'twoPaths',
      ],
      transitions: ['halvesTransition', 'ownNormShortcut', 'projectedHistory', 'reduction', 'restarted'],
    };
    expect(Object.keys(api.nn).toSorted()).toEqual(Object.values(parts).flat().toSorted());
  });

  it('loads nothing native by being imported, and works on graphs without libtorch', async () => {
    const program = `
      const { preset, summary, createModel } = await import('${dist}index.js');
      const { parameters } = summary(preset('lm_resnet20')).totals;
      const maps = (await import('node:fs')).readFileSync('/proc/self/maps', 'utf8');
      const code = await createModel('lm_resnet20').then(() => 'none', (error) => error.code);
      answer({ parameters, libtorch: /libtorch|lm_resnet\\.so/.test(maps), code });`;
    const env = { ...emptyEnvironment(await temporaryFolder()), LIBTORCH: '/nowhere' };
    const code = 'ERR_LIBTORCH_NOT_FOUND';
    expect(await askNode(program, env)).toEqual({ parameters: 272384, libtorch: false, code });
  });
});
