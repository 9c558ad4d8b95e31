/**
 * The first key that occurs twice in the same object of a JSON text, or undefined. JSON.parse keeps the last one
 * silently, which lets a header say two things about one tensor.
 * @param text valid JSON
 */
export function findDuplicateKey(text: string): string | undefined {
  const strings = /"(?:[^"\\]|\\.)*"|[{}[\]:]/g;
  const open: (Set<string> | null)[] = [];
  let last: string | undefined;
  for (const [token] of text.matchAll(strings)) {
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(null);
    else if (token === '}' || token === ']') open.pop();
    else if (token !== ':') last = token;
    else if (last !== undefined) {
      const key = JSON.parse(last) as string;
      const keys = open.at(-1);
      if (keys?.has(key)) return key;
      keys?.add(key);
    }
  }
  return undefined;
}
