/**
 * JSON whose numbers keep their spelling: Python writes 10000.0 for a float and 10000 for an integer, and transformers
 * checks config.json by type. TypeScript's library does not know these parts of ES2026 yet.
 */
const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => unknown };
type SourceReviver = (key: string, value: unknown, context: { source?: string }) => unknown;
const parse = JSON.parse as (text: string, reviver: SourceReviver) => unknown;

/** Like JSON.parse, but each number is an opaque value that stringifyExactJson writes as it stood. */
export function parseExactJson(text: string): unknown {
  return parse(text.replace(/^\uFEFF/, ''), (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined ? rawJSON(source) : value,
  );
}

/** A number as Python writes a float: a whole number with '.0'. */
export function exactNumber(value: number): unknown {
  const text = String(value);
  return rawJSON(/^-?\d+$/.test(text) ? `${text}.0` : text);
}

/** Two spaces of indentation, as transformers writes config.json. */
export function stringifyExactJson(value: unknown): string {
  return JSON.stringify(value, null, 2);
}
