import { z } from 'zod';

/** The parts of JSON Schema that configuration schemas use. */
interface Node {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly oneOf?: readonly Node[];
  readonly anyOf?: readonly Node[];
  readonly items?: Node;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
}

/** One field of a schema as a flag of the command line. */
export interface SchemaFlag {
  /** Keys down to the field, such as ['optimizer', 'beta1']. */
  readonly path: readonly string[];
  /** Such as `--optimizer-beta1`. */
  readonly name: string;
  readonly kind: 'number' | 'integer' | 'choice' | 'boolean' | 'list';
  readonly choices: readonly string[];
  /** `none` stands for null. */
  readonly nullable: boolean;
  /** Undefined where the schema leaves the default to other fields. */
  readonly default: unknown;
  /** `0 < x < 1`, or '' without bounds. */
  readonly range: string;
  /** Value of the `kind` of a union that the field belongs to (`lora`), with the union's path; null elsewhere. */
  readonly variant: { readonly path: readonly string[]; readonly kind: string } | null;
}

/**
 * Every field of a configuration schema as a flag: `learningRate` is `--learning-rate`, `optimizer.beta1` is
 * `--optimizer-beta1`, a union's `kind` is named after the union (`--trainable`) and its members' fields after the member
 * (`--lora-rank`). A field that has no form on a command line is a defect, unless `omit` names its first key.
 */
export function schemaFlags(schema: z.ZodType, omit: readonly string[] = []): readonly SchemaFlag[] {
  const root = z.toJSONSchema(schema, { io: 'input' }) as Node;
  return Object.entries(root.properties ?? {})
    .filter(([key]) => !omit.includes(key))
    .flatMap(([key, node]) => walk(node, [key], [key], undefined, null));
}

function walk(
  node: Node,
  path: readonly string[],
  words: readonly string[],
  inherited: unknown,
  variant: SchemaFlag['variant'],
): SchemaFlag[] {
  const preset = inherited === undefined ? node.default : inherited;
  if (node.properties !== undefined) {
    return Object.entries(node.properties).flatMap(([key, child]) =>
      walk(child, [...path, key], key === 'kind' ? words : [...words, key], valueAt(preset, key), variant),
    );
  }
  if (node.oneOf !== undefined) {
    const kinds = node.oneOf.map((member) => String(member.properties?.['kind']?.const));
    const kind = leaf({ enum: kinds }, [...path, 'kind'], words, valueAt(preset, 'kind'), variant);
    const fields = node.oneOf.flatMap((member, m) =>
      Object.entries(member.properties ?? {})
        .filter(([key]) => key !== 'kind')
        .flatMap(([key, child]) => {
          const memberKind = kinds[m] ?? '';
          return walk(child, [...path, key], [memberKind, key], undefined, { path, kind: memberKind });
        }),
    );
    return [kind, ...fields];
  }
  return [leaf(node, path, words, preset, variant)];
}

function leaf(
  node: Node,
  path: readonly string[],
  words: readonly string[],
  preset: unknown,
  variant: SchemaFlag['variant'],
): SchemaFlag {
  const value = node.anyOf?.find((member) => member.type !== 'null') ?? node;
  const nullable = node.anyOf?.some((member) => member.type === 'null') ?? false;
  const choices = (value.enum ?? value.items?.enum ?? (value.const === undefined ? [] : [value.const])).map(String);
  return {
    path,
    name: `--${words.map(kebab).join('-')}`,
    kind: kindOf(value, path),
    choices,
    nullable,
    default: preset,
    range: range(value),
    variant,
  };
}

function kindOf(node: Node, path: readonly string[]): SchemaFlag['kind'] {
  if (node.enum !== undefined || node.const !== undefined) return 'choice';
  if (node.type === 'number' || node.type === 'integer' || node.type === 'boolean') return node.type;
  if (node.type === 'array' && node.items?.enum !== undefined) return 'list';
  throw new Error(`the field ${path.join('.')} has no form as a flag`);
}

function range(node: Node): string {
  const low =
    node.exclusiveMinimum !== undefined
      ? `> ${node.exclusiveMinimum}`
      : node.minimum !== undefined
        ? `>= ${node.minimum}`
        : '';
  const bound = node.maximum === Number.MAX_SAFE_INTEGER ? undefined : node.maximum;
  const high =
    node.exclusiveMaximum !== undefined ? `< ${node.exclusiveMaximum}` : bound !== undefined ? `<= ${bound}` : '';
  return [low, high].filter((text) => text !== '').join(', ');
}

function valueAt(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}

function kebab(word: string): string {
  return word.replaceAll('_', '-').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** What the command line's help and the forms say about a field: its meaning with the unit, and a default in words where the schema has none. */
export interface FieldHelp {
  readonly group: string;
  readonly text: string;
  /** What only who gives it as a flag has to know. */
  readonly onCommandLine?: string;
  readonly default?: string;
}
