/** Who may import whom, as a table; CONTRIBUTING.md says why. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** A folder of src (or a file beside them, without .ts), and what it may import beside itself. */
const table: Readonly<Record<string, string>> = {
  nodeVersion: '',
  nodeCheck: 'nodeVersion',
  errors: '',
  must: '',
  check: 'errors must',
  files: 'errors',
  json: '',
  cores: '',
  metricsRow: '',
  graph: 'errors must',
  roles: 'graph',
  nn: 'errors must graph roles',
  schemes: 'errors must graph roles',
  noise: 'errors graph roles',
  models: 'errors must graph roles nn schemes noise check',
  analyze: 'errors must check graph',
  picture: 'errors must check metricsRow graph analyze',
  pictureFile: 'errors files metricsRow picture',
  transforms: 'errors check',
  setup: 'errors must files cores',
  native: 'errors must check cores graph setup',
  ranks: 'errors check setup native',
  checkpoint: 'errors must files json graph native transforms',
  images: 'errors must check files native transforms',
  loading: 'errors cores graph native transforms',
  data: 'errors must check files json cores native transforms images checkpoint loading',
  model: 'errors must check graph setup native ranks transforms images checkpoint loading',
  export: 'errors must check files graph models native checkpoint loading model',
  evaluate: 'errors must check native ranks transforms loading model',
  run: 'errors must check files metricsRow graph analyze pictureFile native loading checkpoint model evaluate',
  train:
    'errors must check metricsRow graph models native ranks transforms loading checkpoint model evaluate run',
  search: 'errors must check graph picture native loading model train',
  deepen: 'errors must check graph analyze model',
  report: 'errors must files json metricsRow graph analyze picture checkpoint run',
  serve: 'errors must check cores files graph setup native images loading model',
  client: 'errors',
  createModel: 'errors check models data loading model',
  import: 'errors must check graph models transforms checkpoint model',
};
const arrows: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  Object.entries(table).map(([part, others]) => [part, others.split(' ').filter(Boolean)]),
);
/** What a user meets: these may import anything, and nothing imports them. */
const tops = ['cli', 'index'];
/** These run anywhere: no Node, no addon; of report all but run, which reads the folders of runs. */
const anywhere =
  'errors must metricsRow graph roles nn schemes noise models analyze picture transforms client'.split(' ');

interface Import {
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** File that it names, or module. */
  readonly path: string;
  readonly typeOnly: boolean;
}

function filesBelow(folder: string, ends: RegExp): string[] {
  const path = join(root, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path).flatMap((name) => {
    const inner = join(folder, name);
    if (statSync(join(root, inner)).isDirectory()) return filesBelow(inner, ends);
    return ends.test(name) ? [inner] : [];
  });
}

const read = (file: string): string => readFileSync(join(root, file), 'utf8');
/** The part of src a file belongs to: its folder, or its own name. */
const partOf = (file: string): string => relative('src', file).replace(/[/\\].*$|\.ts$/g, '');

function targetOf(file: string, target: string): { readonly to: string; readonly path: string } {
  if (!target.startsWith('.')) return { to: target, path: target };
  const path = normalize(join(dirname(file), target));
  return { to: partOf(path), path };
}

function importsOf(file: string): Import[] {
  const statements = read(file).matchAll(
    /^(?:import|export)\s+(type\s)?(?:[^;'"]*?from\s+)?['"]([^'"]+)['"]/gm,
  );
  const dynamic = read(file).matchAll(/\bimport\(()['"]([^'"]+)['"]\)/g);
  return [...statements, ...dynamic].map(([, type, target = '']) => ({
    file,
    from: partOf(file),
    ...targetOf(file, target),
    typeOnly: type !== undefined && type !== '',
  }));
}

const sources = filesBelow('src', /\.ts$/);
const imports = sources.flatMap(importsOf);
const show = ({ file, to }: Import): string => `${file} imports ${to}`;

describe('src', () => {
  it('has only parts that the table knows', () => {
    const known = [...Object.keys(arrows), ...tops].toSorted();
    expect([...new Set(sources.map(partOf))].toSorted()).toEqual(known);
  });

  it('follows the import arrows', () => {
    const inner = imports.filter(({ from, to }) => from !== to && (to in arrows || tops.includes(to)));
    expect(inner.length).toBeGreaterThan(20);
    const wrong = inner.filter(({ from, to }) =>
      tops.includes(from) ? tops.includes(to) : !arrows[from]?.includes(to),
    );
    expect(wrong.map(show)).toEqual([]);
  });

  it('has no arrow that nothing follows', () => {
    const followed = new Set(imports.map(({ from, to }) => `${from} -> ${to}`));
    const listed = Object.entries(arrows).flatMap(([from, tos]) => tos.map((to) => `${from} -> ${to}`));
    expect(listed.filter((arrow) => !followed.has(arrow))).toEqual([]);
  });

  it('has arrows that run one way: each part imports those above it in the table alone', () => {
    const order = Object.keys(arrows);
    const back = Object.entries(arrows).flatMap(([from, tos]) =>
      tos.filter((to) => order.indexOf(to) >= order.indexOf(from)).map((to) => `${from} -> ${to}`),
    );
    expect(back).toEqual([]);
  });

  it('has no files that import each other in a circle', () => {
    const targets = new Map<string, string[]>();
    for (const { file, path } of imports) targets.set(file, [...(targets.get(file) ?? []), path]);
    const done = new Set<string>();
    const circles: string[] = [];
    const follow = (file: string, way: readonly string[]): void => {
      if (way.includes(file)) circles.push([...way.slice(way.indexOf(file)), file].join(' -> '));
      if (way.includes(file) || done.has(file)) return;
      for (const target of targets.get(file) ?? []) follow(target, [...way, file]);
      done.add(file);
    };
    for (const file of sources) follow(file, []);
    expect(circles).toEqual([]);
  });

  it('gives the native side types of the graph only', () => {
    const wrong = imports.filter(
      ({ from, to, typeOnly }) => from === 'native' && to === 'graph' && !typeOnly,
    );
    expect(wrong.map(show)).toEqual([]);
  });

  it('keeps Node out of what runs anywhere', () => {
    const pages = /^src.report.(analysis.)?[^/\\]*$/;
    const wrong = imports.filter(
      ({ file, from, to }) => (anywhere.includes(from) || pages.test(file)) && to.startsWith('node:'),
    );
    expect(wrong.map(show)).toEqual([]);
  });

  it('keeps all else out of the client, which a page may load as it is', () => {
    const wrong = imports.filter(
      ({ from, to, typeOnly }) => from === 'client' && to !== 'client' && !typeOnly,
    );
    expect(wrong.map(show)).toEqual([]);
  });

  it('loads large packages where they are used, not at import', () => {
    const large = /^(sharp|protobufjs|fastify|@fastify|prom-client)\b/;
    const dynamic = (file: string, to: string) => read(file).includes(`import('${to}')`);
    const wrong = imports.filter(
      ({ file, to, typeOnly }) => large.test(to) && !typeOnly && !dynamic(file, to),
    );
    expect(wrong.map(show)).toEqual([]);
  });

  it('opens binaries in native/load.ts alone, and in the text of the trial that setup/probe.ts runs in a child', () => {
    const opens = /\bdlopen\(|require\([^)]*\.node['"]\)/;
    const found = sources.filter((file) => opens.test(read(file).replace(/^\s*(\*|\/\/).*$/gm, '')));
    const allowed = ['src/native/load.ts', 'src/setup/probe.ts'];
    expect(found.filter((file) => !allowed.includes(file))).toEqual([]);
  });
});

describe('comments', () => {
  it('fit into 110 columns, which the formatter sees to in code alone', () => {
    const files = ['src', 'test', 'scripts', 'examples'].flatMap((folder) =>
      filesBelow(folder, /\.m?ts$|\.mjs$/),
    );
    const long = files.flatMap((file) =>
      read(file)
        .split('\n')
        .flatMap((line, i) =>
          /^\s*(\*|\/\/|\/\*)/.test(line) && line.length > 110 ? [`${file}:${i + 1}`] : [],
        ),
    );
    expect(long).toEqual([]);
  });
});

describe('scripts', () => {
  it('name only modules that src has', () => {
    const files = [...filesBelow('scripts', /\.m?[jt]s$/), ...filesBelow('test/support', /\.mjs$/)];
    const named = files.flatMap((file) =>
      [...read(file).matchAll(/\bdist\/([\w/]+)\.js\b/g)].map(([, name = '']) => ({ file, name })),
    );
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter(({ name }) => !sources.includes(join('src', `${name}.ts`)))).toEqual([]);
  });
});

const native = filesBelow('native', /\.(cc|h|cu|cuh)$/);
const includesOf = (file: string): string[] =>
  [...read(file).matchAll(/^\s*#\s*include\s*[<"]([^>"]+)[>"]/gm)].map(([, target = '']) => target);
const includes = native.flatMap((file) => includesOf(file).map((target) => ({ file, target })));
const within = (file: string, folder: string): boolean => file.startsWith(`native/${folder}/`);

/** Rooms of native (in core and data a folder, or a file beside), from the ground up: what each includes. */
const nativeArrows: Readonly<Record<string, string>> = {
  'core/error': '',
  'core/libtorch': '',
  'core/library': '',
  'core/capture': 'core/batch core/error core/library',
  'core/rng': '',
  'core/batch': '',
  'core/allocator': '',
  'core/device': '',
  'core/loss': 'core/value',
  'core/value': 'core/error',
  'core/ranks': 'core/error core/libtorch core/library',
  'core/graph': '',
  'core/weights': 'core/graph',
  'core/kernels': 'core/allocator core/error core/library core/rng',
  'core/ops': 'core/error core/rng core/value core/ranks core/graph core/kernels',
  'core/parse_graph': 'core/value core/graph core/ops',
  'core/plan': 'core/error core/graph core/ops',
  'core/run': 'core/error core/allocator core/device core/batch core/graph core/weights core/ops core/plan',
  'core/model': 'core/rng core/value core/graph core/weights core/kernels core/ops core/plan core/run',
  'core/evaluate': 'core/batch core/loss core/ranks core/model',
  'core/train':
    'core/rng core/batch core/loss core/value core/device core/capture core/kernels core/ranks core/run core/model',
  'data/pictures': '',
  'data/codecs': 'data/pictures',
  'data/transforms': 'core/rng core/value data/pictures data/codecs',
  'data/samples': 'core/error core/rng data/pictures data/codecs',
  'data/loader': 'core/error core/batch core/value data/transforms data/samples',
};

/** The room of a file below native. */
function roomOf(path: string): string {
  const [library = '', inner = ''] = path.replace(/\.(cc|h)$/, '').split('/');
  return ['core', 'data'].includes(library) ? `${library}/${inner}` : library;
}

describe('native', () => {
  it('includes Node-API in binding, the addon and its opener alone', () => {
    const node = includes.filter(({ target }) => /napi|node_api/.test(target));
    const wrong = node.filter(
      ({ file }) => !within(file, 'binding') && !['native/addon.cc', 'native/opener.cc'].includes(file),
    );
    expect(wrong).toEqual([]);
  });

  it('never includes torch/torch.h', () => {
    expect(includes.filter(({ target }) => target === 'torch/torch.h')).toEqual([]);
  });

  it('has no room in core and data that the table does not know', () => {
    const rooms = native.map((file) => roomOf(file.slice('native/'.length)));
    expect(rooms.filter((room) => room.includes('/') && !(room in nativeArrows))).toEqual([]);
  });

  it.each(Object.entries(nativeArrows))('lets %s include %s and itself', (room, others) => {
    const own = includes.filter(({ file }) => roomOf(file.slice('native/'.length)) === room);
    const inner = own.filter(({ target }) => /^(core|data|binding|check)\//.test(target));
    expect(inner.filter(({ target }) => ![room, ...others.split(' ')].includes(roomOf(target)))).toEqual([]);
  });
});

describe('rooms and files', () => {
  const folders = ['src', 'native', 'test', 'scripts', 'examples'];

  it('are small: no folder of more than 20 files', () => {
    const counts = new Map<string, number>();
    for (const file of folders.flatMap((folder) => filesBelow(folder, /./)))
      counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
    expect([...counts].filter(([, count]) => count > 20)).toEqual([]);
  });

  it('are small: no file of more than 300 lines, save tables', () => {
    const tables = ['src/native/binding.ts', 'test/native/ops/opRows.ts'];
    const files = folders.flatMap((folder) => filesBelow(folder, /\.(m?ts|mjs|cc|h|py)$/));
    const long = files.filter((file) => read(file).trimEnd().split('\n').length > 300);
    expect(long.filter((file) => !tables.includes(file))).toEqual([]);
  });
});
