/** Whether this Node is new enough; written so that an older one can still say so. */

/** The oldest Node that the package runs on, as package.json has it. */
export const oldestNode: readonly [major: number, minor: number] = [20, 19];

/** One sentence where this Node is too old, else null. */
export function nodeProblem(version: string = process.versions.node): string | null {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return null;
  return `lm-resnet needs Node ${oldestNode.join('.')} or newer; this is Node ${version}.`;
}
