/** `JSON.parse` keeps the last of two equal keys in silence; this finds them. */

/**
 * The first key that some object of a JSON text has twice, or undefined.
 *
 * @param json a text that `JSON.parse` accepts.
 * @example
 * duplicateKey('{"a":1,"b":{"a":2},"a":3}'); // 'a'
 */
export function duplicateKey(json: string): string | undefined {
  const open: Set<string>[] = [];
  for (let i = 0; i < json.length; i++) {
    const c = json[i];
    if (c === '{' || c === '[') open.push(new Set());
    else if (c === '}' || c === ']') open.pop();
    else if (c === '"') {
      const end = endOfString(json, i);
      if (isKey(json, end)) {
        const key: unknown = JSON.parse(json.slice(i, end));
        const keys = open.at(-1);
        if (typeof key !== 'string' || keys === undefined) return undefined;
        if (keys.has(key)) return key;
        keys.add(key);
      }
      i = end - 1;
    }
  }
  return undefined;
}

/** Index behind the closing quote of the string that opens at `start`. */
function endOfString(json: string, start: number): number {
  let i = start + 1;
  while (json[i] !== '"') i += json[i] === '\\' ? 2 : 1;
  return i + 1;
}

function isKey(json: string, end: number): boolean {
  let i = end;
  while (/\s/.test(json[i] ?? '')) i++;
  return json[i] === ':';
}
