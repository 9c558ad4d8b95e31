import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { runConfigHelp } from '../../../src/shared/run-config-help.ts';
import { addSchemaFlags, flagValues, givenFlags, layered, parseWithFlags } from '../../../src/main/cli/schema-flags.ts';
import { schemaFlags } from '../../../src/shared/schema-fields.ts';
import { synthesisConfigHelp } from '../../../src/shared/synthesis-config-help.ts';
import { runConfigSchema } from '../../../src/shared/run-config.ts';
import { synthesisConfigSchema } from '../../../src/shared/synthesis-config.ts';

const flags = schemaFlags(runConfigSchema);

/** Parses an argument list with the flags of the run configuration. */
function parse(...args: string[]) {
  const command = new Command('train').exitOverride().configureOutput({ writeErr: () => undefined });
  addSchemaFlags(command, flags, runConfigHelp);
  command.parse(args, { from: 'user' });
  return givenFlags(command, flags);
}

/** Paths of all leaves of a complete configuration. */
function leaves(value: unknown, path: string[] = []): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [path.join('.')];
  return Object.entries(value).flatMap(([key, child]) => leaves(child, [...path, key]));
}

describe('schemaFlags', () => {
  test('has a flag for every field of a complete run configuration', () => {
    const complete = runConfigSchema.parse({ trainable: { kind: 'lora' } });
    const other = runConfigSchema.parse({ optimizer: { kind: 'rmsprop' } });
    const own = [{ objective: 'solopo', reward: 'simpo' }, { objective: 'opsdl' }].map((input) =>
      leaves(runConfigSchema.parse(input)),
    );
    const all = [...new Set([...leaves(complete), ...leaves(other), ...own.flat()])].sort();
    expect(flags.map((flag) => flag.path.join('.')).sort()).toEqual(all);
    expect(Object.keys(runConfigHelp).sort()).toEqual(all);
  });

  test('has a flag for every field of a complete synthesis configuration besides the template', () => {
    const complete = leaves(synthesisConfigSchema.omit({ template: true }).parse({})).sort();
    const paths = schemaFlags(synthesisConfigSchema, ['template']).map((flag) => flag.path.join('.'));
    expect(paths.sort()).toEqual(complete);
    expect(Object.keys(synthesisConfigHelp).sort()).toEqual(complete);
  });

  test('no two fields share a flag', () => {
    for (const list of [flags, schemaFlags(synthesisConfigSchema, ['template'])]) {
      expect(new Set(list.map((flag) => flag.name)).size).toBe(list.length);
    }
  });

  test('a default that an object sets for its field wins over that of the field', () => {
    const temperature = schemaFlags(synthesisConfigSchema, ['template']).find(
      (flag) => flag.name === '--question-temperature',
    );
    expect(temperature?.default).toBe(0.7);
  });

  test('refuses a field that no flag can hold, and a flag without help', () => {
    expect(() => schemaFlags(z.strictObject({ phrases: z.array(z.string()) }))).toThrow(
      'phrases has no form as a flag',
    );
    const extra = schemaFlags(z.strictObject({ extra: z.number().default(1) }));
    expect(() => addSchemaFlags(new Command(), extra, {})).toThrow('--extra has no help text');
  });
});

describe('given flags', () => {
  test('become an object of the configuration', () => {
    const given = parse(
      '--learning-rate',
      '1e-4',
      '--max-grad-norm',
      'none',
      '--lora-rank',
      '8',
      '--lora-rslora',
      'yes',
    );
    expect(flagValues(given)).toEqual({
      learningRate: 1e-4,
      maxGradNorm: null,
      trainable: { kind: 'lora', rank: 8, rslora: true },
    });
    expect(flagValues(parse('--lora-targets', 'q_proj, v_proj'))).toEqual({
      trainable: { kind: 'lora', targets: ['q_proj', 'v_proj'] },
    });
    expect(flagValues(parse())).toEqual({});
  });

  test.each([
    [['--beta', 'much'], 'It must be a number.'],
    [['--batch-size', '1.5'], 'It must be a whole number.'],
    [['--lora-targets', 'q_proj,x'], '"x" is none of'],
    [['--lora-rslora', 'maybe'], 'It must be yes or no.'],
    [['--objective', 'ppo'], 'It must be longpo, dpo, sft, simpo, orpo, solopo, opsdl.'],
  ])('%j is refused', (args, message) => {
    expect(() => parse(...args)).toThrow(message);
  });

  test('a flag of one member with another member is refused', () => {
    expect(() => flagValues(parse('--trainable', 'full', '--lora-rank', '8'))).toThrow(
      '--lora-rank has no meaning with --trainable full.',
    );
  });

  test('a value out of bounds names its flag, one from the file the field and the file', () => {
    const given = parse('--optimizer-beta1', '1');
    expect(() => parseWithFlags(runConfigSchema, flagValues(given), given, 'Run configuration')).toThrow(
      /^--optimizer-beta1 1: /,
    );
    expect(() =>
      parseWithFlags(runConfigSchema, { optimizer: { beta2: 2 } }, parse(), 'Run configuration', 'my.json'),
    ).toThrow(/^my\.json: Run configuration, field optimizer\.beta2: /);
  });
});

test('layers merge objects and replace a union of another kind', () => {
  const base = { a: 1, optimizer: { kind: 'adamw', beta1: 0.9 }, trainable: { kind: 'lora', rank: 4 } };
  expect(layered(base, { optimizer: { beta1: 0 }, trainable: { kind: 'full' } })).toEqual({
    a: 1,
    optimizer: { kind: 'adamw', beta1: 0 },
    trainable: { kind: 'full' },
  });
  expect(layered(base, { trainable: { kind: 'lora', alpha: 2 } })['trainable']).toEqual({
    kind: 'lora',
    rank: 4,
    alpha: 2,
  });
});
