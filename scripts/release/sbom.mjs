// The bill of materials of a release, in CycloneDX: npm's own list of what the package brings, and what is
// linked into the binaries. No clock and no random number: equal releases give equal bytes.
import { execFileSync } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { codecs } from '../codecs.mjs';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** @returns {object} the document, as plain JSON data. */
export function sbom() {
  const args = ['sbom', '--sbom-format', 'cyclonedx', '--omit', 'dev'];
  const stdio = ['ignore', 'pipe', 'pipe'];
  const listed = JSON.parse(
    execFileSync('npm', args, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 28, stdio }),
  );
  const { serialNumber: _, metadata, ...rest } = listed;
  const { timestamp: __, ...facts } = metadata;
  const component = { ...facts.component, name: 'lm-resnet' };
  const components = [...rest.components, ...codecs.map(linkedIn), cudaRuntime];
  return { ...rest, metadata: { ...facts, component }, components };
}

/** What nvcc links in; its licence is in THIRD-PARTY-LICENSES.txt, as those of the codecs. */
const cudaRuntime = {
  'bom-ref': 'cuda-runtime@13',
  type: 'library',
  name: 'cuda-runtime',
  version: '13',
  scope: 'optional',
  description: 'linked statically into lm_cuda.so, where that is there',
  purl: 'pkg:generic/cuda-runtime@13',
};

/** The first hash is that of the project's own archive. */
function linkedIn({ name, version, url, sha256 }) {
  return {
    'bom-ref': `${name}@${version}`,
    type: 'library',
    name,
    version,
    scope: 'required',
    description: 'linked statically into the native addon',
    purl: `pkg:generic/${name}@${version}`,
    externalReferences: [{ type: 'distribution', url, hashes: [{ alg: 'SHA-256', content: sha256[0] }] }],
  };
}
