/** JSON from strangers: what a text may hold is bounded before memory is taken for it. */

/** The most values in a text, how deep they may lie, and the most keys that differ. */
export const jsonBounds: { readonly values: number; readonly depth: number; readonly keys: number } = {
  values: 2 ** 20,
  depth: 100,
  keys: 2 ** 17,
};

/**
 * `JSON.parse` of a text with at most 2^20 values that lie at most 100 deep, and 2^17 different keys; its
 * length is for the caller to bound.
 *
 * @param most values, where they may be more or fewer.
 * @param members the most in one object or list, where there are fewer: JavaScript takes its time and much
 *   memory for objects of many keys.
 * @throws SyntaxError or RangeError, for the caller to wrap: only it knows what the text is.
 * @example
 * parseJson('{"a":[1,2]}'); // { a: [1, 2] }
 */
export function parseJson(text: string, most: number = jsonBounds.values, members: number = most): unknown {
  let [values, depth] = [1, 0];
  const found = [0];
  // An object of keys that no other has takes JavaScript hundreds of bytes for each.
  const keys = new Set<string>();
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === quote) {
      const end = endOfString(text, i);
      if (isKey(text, end + 1)) keys.add(text.slice(i, end));
      i = end;
    } else if (c === 0x2c) {
      values++;
      found[depth] = (found[depth] ?? 0) + 1;
      if ((found[depth] ?? 0) >= members) throw new RangeError(`it has more than ${members} values in one`);
    } else if (c === 0x5b || c === 0x7b) {
      values++;
      depth++;
      found[depth] = 0;
    } else if (c === 0x5d || c === 0x7d) depth--;
    if (keys.size > jsonBounds.keys)
      throw new RangeError(`it has more than ${jsonBounds.keys} different keys`);
    if (values > most) throw new RangeError(`it has more than ${most} values`);
    if (depth > jsonBounds.depth) throw new RangeError(`its values lie more than ${jsonBounds.depth} deep`);
  }
  return JSON.parse(text);
}

const quote = 0x22;

/** Whether a colon is next. */
function isKey(text: string, start: number): boolean {
  let i = start;
  for (; isSpace(text.charCodeAt(i)); i++);
  return text.charCodeAt(i) === 0x3a;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/** Place of the quote that closes the string that opens at `start`; the last of the text where none does. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let first = end;
    while (text.charCodeAt(first - 1) === 0x5c) first--;
    if ((end - first) % 2 === 0) return end;
  }
  return text.length;
}
