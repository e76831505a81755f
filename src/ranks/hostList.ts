/** Slurm's lists of hosts. */

/**
 * The first host of a list such as `gpu[007-009,12],login1`: `gpu007`; undefined for none.
 *
 * @example
 * firstHost('n[1-4]'); // 'n1'
 */
export function firstHost(list: string | undefined): string | undefined {
  const host = /^[^,[]*(?:\[[^\]]*\][^,[]*)*/.exec(list ?? '')?.[0] ?? '';
  return host === '' ? undefined : host.replaceAll(/\[(\w+)[^\]]*\]/g, '$1');
}
