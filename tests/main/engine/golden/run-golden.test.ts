import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatCase, formatDetails, type CaseReport } from '../../../../src/main/engine/golden/report.ts';
import { runGolden } from '../../../../src/main/engine/golden/run-golden.ts';
import { CaseCopy, failedNames, GOLDEN, VARIANTS, type Json } from './golden-copies.ts';

type Expected = { fp64: Record<string, Json>; fp32: Record<string, Json> };

describe('the shared golden cases', () => {
  it('pass in every quantity, and every value of the files is compared', { timeout: 120_000 }, async () => {
    const seen: string[] = [];
    const report = await runGolden([GOLDEN], { threads: 2, onCase: ({ name }) => seen.push(name) });
    expect(report.cases.flatMap(formatDetails).filter((line) => !line.includes('SmolLM2'))).toEqual([]);
    expect(report).toMatchObject({ passed: 15, failed: 0, skipped: 1 });
    expect(seen).toEqual(report.cases.map(({ name }) => name));
    expect(seen).toContain('longpo/qwen2-lora');
    // Not only close enough: no error takes half of what is allowed.
    const shares = report.cases.flatMap(({ quantities }) => quantities.filter(({ error }) => error > 0));
    expect(shares.filter(({ error, tolerance }) => error > tolerance / 2)).toEqual([]);
  });

  it('pass with other heads, turns, objectives and optimizers', async () => {
    const report = await runGolden([VARIANTS], { threads: 2 });
    expect(report.cases.flatMap(formatDetails)).toEqual([]);
    expect(report).toMatchObject({ passed: 3, failed: 0, skipped: 0 });
  });

  it('are found one by one, with the model above them', async () => {
    const report = await runGolden([path.join(GOLDEN, 'forward/qwen3'), path.join(GOLDEN, 'forward/llama')], {
      threads: 1,
    });
    expect(report.cases.map(({ name, status }) => [name, status])).toEqual([
      ['qwen3', 'passed'],
      ['llama', 'passed'],
    ]);
  });

  it('tell a folder without cases', async () => {
    await expect(runGolden([path.join(GOLDEN, 'models')], { threads: 1 })).rejects.toThrow(/holds no golden case/);
    await expect(runGolden([path.join(GOLDEN, 'nowhere')], { threads: 1 })).rejects.toThrow(/is not a folder/);
  });
});

// The real model is not part of the repository; LONGHAND_SMOLLM2 names its folder.
const smollm2 = process.env['LONGHAND_SMOLLM2'];
describe.skipIf(smollm2 === undefined || !existsSync(smollm2))('SmolLM2', () => {
  it('gives the golden values', { timeout: 120_000 }, async () => {
    const report = await runGolden([path.join(GOLDEN, 'smollm2')], { threads: 2, smollm2: smollm2 ?? '' });
    const [only] = report.cases;
    expect(only?.quantities.filter(({ ok }) => !ok)).toEqual([]);
    expect(only?.quantities).toHaveLength(51);
    expect(only?.warnings).toEqual([]);
  });
});

describe('a changed value', () => {
  const value = (path: string): ((expected: Expected) => void) => {
    return ({ fp64 }) => {
      const keys = path.split('/');
      const last = keys.pop() ?? '';
      const at = keys.reduce<Json>((json, key) => (json as Record<string, Json>)[key] ?? null, fp64) as Record<
        string,
        Json
      >;
      at[last] = (at[last] as number) * 1.001 + 0.0003;
    };
  };

  it.each([
    ['longpo/qwen2-lora', 'batch/sft', 'batch.sft (packed)'],
    [
      'longpo/qwen2-lora',
      'examples/two_turns/policy_turn_logps/rejected/1',
      'examples.two_turns.policy_turn_logps.rejected (separate)',
    ],
    [
      'longpo/qwen3-full',
      'examples/three_turns/kl/chosen/2/exact_kl_policy_reference_sum',
      'examples.three_turns.kl.chosen.exact_kl_policy_reference_sum (packed)',
    ],
    [
      'longpo/qwen3-full',
      'gradients/dpo_b0.01/norms/model.layers.0.self_attn.k_norm.weight',
      'gradients.dpo_b0.01.norms (packed)',
    ],
    ['longpo/qwen3-full', 'training/steps/3/grad_norm_before_clipping', 'training.steps.grad_norm_before_clipping'],
    ['forward/mistral', 'mean_nll_of_the_batch', 'mean_nll_of_the_batch'],
    ['forward/mistral', 'argmax_of_the_last_token/1', 'argmax_of_the_last_token'],
  ])('%s: %s fails its own quantity and no other', async (name, place, quantity) => {
    const report = await new CaseCopy(name).json('expected.json', value(place)).run();
    expect(report.status).toBe('failed');
    const failed = failedNames(report);
    expect(failed).toContain(quantity);
    const base = quantity.replace(/ \(.*/, '');
    const others = failed.filter((other) => other.replace(/ \(.*/, '') !== base);
    expect(others.filter((other) => other !== 'fp32 against fp64 in expected.json')).toEqual([]);
    const line = formatCase(report);
    expect(line).toContain(name);
    expect(line).toContain(base);
    expect(line).toMatch(/expected -?[\d.]+, got -?[\d.]+/);
    expect(line).toContain(place.replaceAll('/', '.'));
  });

  it.each([
    [
      'longpo/llama-lora',
      {
        'grad.longpo_b0.1_l0.01.base_model.model.model.layers.1.mlp.down_proj.lora_B.weight':
          'grad.longpo_b0.1_l0.01 (packed)',
        'trained.base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight': 'trained',
        'logps.two_turns.rejected': 'logps.two_turns.rejected (separate)',
      },
    ],
    ['forward/qwen2', { logits: 'logits', 'hidden_states.1': 'hidden_states', 'gapped.logprobs': 'gapped.logprobs' }],
  ] as const)('%s: one element of a tensor', async (name, tensors) => {
    const report = await new CaseCopy(name)
      .tensors((found, data) => {
        if (found in tensors) data[5] = (data[5] ?? 0) + 0.002;
      })
      .run();
    expect(report.status).toBe('failed');
    const details = formatDetails(report).join('\n');
    for (const [tensor, quantity] of Object.entries(tensors)) {
      expect(failedNames(report)).toContain(quantity);
      expect(details).toContain(`${name}: ${quantity} differs`);
      expect(details).toContain(`${tensor}[`);
    }
    const base = (quantity: string): string => quantity.replace(/ \(.*|, relative.*/, '');
    const changed = new Set(Object.values(tensors).map(base));
    expect(failedNames(report).filter((quantity) => !changed.has(base(quantity)))).toEqual([]);
  });

  it.each(['longpo/llama-lora', 'longpo/qwen2-full'])(
    '%s: every quantity fails when every number is changed',
    async (name) => {
      const changed = (json: Json): Json => {
        if (typeof json === 'number') return json * 1.01 + 0.02;
        if (Array.isArray(json)) return json.map(changed);
        if (typeof json !== 'object' || json === null) return json;
        return Object.fromEntries(Object.entries(json).map(([key, item]) => [key, changed(item)]));
      };
      const report = await new CaseCopy(name)
        .json<Expected>('expected.json', (expected) => {
          expected.fp64 = changed(expected.fp64) as Expected['fp64'];
        })
        .tensors((_, data) => {
          data[0] = (data[0] ?? 0) + 0.05;
        })
        .run();
      const held = report.quantities.filter(({ ok }) => ok).map(({ name: quantity }) => quantity);
      // What does not depend on the changed files.
      expect(
        held.filter((quantity) => !/^(sequences|optimizer|training\.objective|packed against separate)/.test(quantity)),
      ).toEqual([]);
    },
  );

  it('in the single-precision block alone is noticed', async () => {
    const report = await new CaseCopy('longpo/llama-lora')
      .json<{ fp32: { batch: Record<string, number> } }>('expected.json', ({ fp32 }) => {
        fp32.batch['sft'] = 6.9;
      })
      .run();
    expect(failedNames(report)).toEqual(['fp32 against fp64 in expected.json']);
    expect(formatCase(report)).toMatch(/batch\.sft: fp64 has 6\.78\d+, fp32 has 6\.9/);
  });

  it('in the inputs changes the sequences and what follows', async () => {
    type Inputs = { examples: { id: string; text: { turns: { chosen: string }[] }; chosen: { labels: number[] } }[] };
    const text = await new CaseCopy('longpo/llama-lora')
      .json<Inputs>('inputs.json', ({ examples }) => {
        const turn = examples[0]?.text.turns[1];
        if (turn !== undefined) turn.chosen = `${turn.chosen}!`;
      })
      .run();
    expect(failedNames(text)).toContain('sequences.two_turns.long.chosen.input_ids');
    expect(failedNames(text)).toContain('sequences.two_turns.short.packed.branch');
    expect(failedNames(text).every((quantity) => quantity.startsWith('sequences.two_turns.'))).toBe(true);

    const label = await new CaseCopy('longpo/llama-lora')
      .json<Inputs>('inputs.json', ({ examples }) => {
        examples[1]?.chosen.labels.splice(10, 1, 7);
      })
      .run();
    expect(failedNames(label)).toEqual(['sequences.three_turns.long.chosen.labels']);
    expect(formatCase(label)).toContain('the first at 10: expected 7, got -100');
  });

  it('of a prompt case is noticed', async () => {
    const source = 'prompts/qwen3_wide';
    type Prompts = Record<
      string,
      { generated_ids: number[]; generated_text: string; finish: string; last_position_top5: { logit: number }[] }
    >;
    const report = await new CaseCopy(source, VARIANTS)
      .json<Prompts>('expected.json', ({ chat, raw, system_two_turns: system }) => {
        chat?.generated_ids.splice(3, 1, 99);
        if (raw !== undefined) raw.finish = 'eos';
        const top = system?.last_position_top5[4];
        if (top !== undefined) top.logit += 0.01;
      })
      .json<{ cases: { text: string; ids: number[] }[] }>('tokenizer_cases.json', ({ cases }) => {
        cases[0]?.ids.push(1);
      })
      .json<{ prompts: { id: string; rendered: string; input_ids: number[] }[] }>('inputs.json', ({ prompts }) => {
        const prompt = prompts[1];
        if (prompt !== undefined) prompt.rendered += ' ';
      })
      .run();
    expect(failedNames(report).sort()).toEqual([
      'chat.generated_ids',
      'raw.finish',
      'system_two_turns.last_position_top5.logit',
      'system_two_turns.rendered',
      'tokenizer_cases: decode',
      'tokenizer_cases: encode',
    ]);
  });
});

describe('a damaged case', () => {
  const failure = async (copy: CaseCopy): Promise<CaseReport> => {
    const report = await copy.run();
    expect(report.status).toBe('failed');
    expect(report.name).toBe(copy.name);
    expect(report.problem ?? '').not.toMatch(/broke off/);
    return report;
  };
  const longpo = (): CaseCopy => new CaseCopy('longpo/qwen2-lora');

  it.each(['inputs.json', 'expected.json', 'tensors.safetensors'])('without %s', async (file) => {
    const copy = new CaseCopy('forward/llama').remove(file);
    const { problem } = await failure(copy);
    expect(problem).toBe(`${path.join(copy.folder, file)} does not exist.`);
  });

  it('with files that cannot be read', async () => {
    expect((await failure(longpo().write('expected.json', '{"fp64": {"batch"'))).problem).toMatch(
      /expected\.json is not valid JSON/,
    );
    expect((await failure(longpo().write('inputs.json', '[]'))).problem).toMatch(/inputs\.json is of no known kind/);
    expect((await failure(longpo().write('tensors.safetensors', 'short'))).problem).toMatch(
      /tensors\.safetensors is not a usable/,
    );
    for (const name of ['longpo/qwen2-lora', 'forward/llama']) {
      const { problem } = await failure(new CaseCopy(name).write('expected.json', '{}'));
      expect(problem).toMatch(/expected\.json holds neither "fp64" nor "fp32" values/);
    }
    const { problem } = await failure(new CaseCopy('prompts/qwen3_wide', VARIANTS).write('expected.json', '{}'));
    expect(problem).toMatch(/expected\.json has none of the prompts/);
  });

  it('with inputs that contradict each other', async () => {
    type Sequence = { input_ids: number[]; labels: number[]; response_spans: number[][] };
    type Inputs = {
      model: string;
      adapter: string | null;
      examples: { chosen: Sequence; rejected: Sequence; turns: { chosen: Sequence }[] }[];
    };
    const inputs = (change: (first: Inputs['examples'][number], all: Inputs) => void): CaseCopy =>
      longpo().json<Inputs>('inputs.json', (all) => {
        const [first] = all.examples;
        if (first !== undefined) change(first, all);
      });
    const problem = async (change: Parameters<typeof inputs>[0]): Promise<string | undefined> =>
      (await failure(inputs(change))).problem;

    expect(await problem((_, all) => (all.model = 'models/gone'))).toMatch(/"model" of .*inputs\.json is models\/gone/);
    expect(await problem((_, all) => (all.adapter = 'adapters/mistral'))).toMatch(/adapters\/mistral.*belongs to no/);
    expect(await problem((_, all) => (all.adapter = null))).toMatch(/"adapter" is missing/);
    expect(await problem(({ chosen }) => chosen.input_ids.splice(3, 1, 9999))).toMatch(/same prompt/);
    expect(
      await problem(({ chosen, rejected }) => {
        chosen.input_ids[3] = 9999;
        rejected.input_ids[3] = 9999;
      }),
    ).toMatch(/"examples\.two_turns\.chosen\.input_ids" holds the token 9999, the model has 0 to 319/);
    expect(await problem(({ chosen }) => chosen.labels.pop())).toMatch(
      /"examples\.two_turns\.chosen\.labels" has \d+ entries/,
    );
    expect(await problem(({ chosen }) => (chosen.response_spans[1] = [200, 9999]))).toMatch(/the answer \[200, 9999\)/);
    expect(await problem(({ turns }) => turns.pop())).toMatch(/2 answers for 1 turns/);
    expect(await problem(({ turns }) => turns[0]?.chosen.input_ids.splice(-3, 1, 77))).toMatch(
      /another answer than the long sequence/,
    );
  });

  it('with values of another kind', async () => {
    const values = await failure(
      longpo().json<Expected>('expected.json', ({ fp64 }) => {
        (fp64['batch'] as Record<string, Json>)['sft'] = 'seven';
        ((fp64['training'] as Record<string, Json>)['steps'] as Json[]).pop();
      }),
    );
    expect(failedNames(values)).toEqual(expect.arrayContaining(['batch.sft (packed)', 'training.steps']));
    expect(formatDetails(values).join('\n')).toContain('training.steps: expected 3 values, got 4 values');
  });

  it('of other lengths: a tensor that does not fit its inputs', async () => {
    type Inputs = { input_ids: number[][]; lengths: number[]; attention_mask: number[][] };
    const report = await failure(
      new CaseCopy('forward/llama').json<Inputs>('inputs.json', (inputs) => {
        inputs.input_ids = inputs.input_ids.map((row) => row.slice(0, 30));
        inputs.lengths = [30, 27, 12];
        inputs.attention_mask = inputs.attention_mask.map((row) => row.slice(0, 30));
      }),
    );
    expect(failedNames(report)).toEqual(
      expect.arrayContaining(['logits', 'logprobs', 'hidden_states', 'sum_logprobs']),
    );
    expect(formatDetails(report).join('\n')).toContain('logits has the shape [3, 40, 320], expected [3, 30, 320]');
  });

  it('without prompts', async () => {
    const copy = new CaseCopy('prompts/qwen3_wide', VARIANTS);
    const { problem } = await failure(copy.json<Record<string, Json>>('inputs.json', (all) => (all['prompts'] = [])));
    expect(problem).toMatch(/inputs\.json: "prompts" is not usable/);
  });
});

describe('what a case has more or less', () => {
  it('warns of quantities that it does not know, and misses none', async () => {
    const report = await new CaseCopy('longpo/qwen2-lora')
      .json<Expected & Record<string, Json>>('expected.json', (expected) => {
        const { fp64 } = expected;
        (fp64['batch'] as Record<string, Json>)['entropy'] = 1.5;
        (fp64['batch'] as Record<string, Json>)['kto_b0.1'] = 0.5;
        delete fp64['training'];
        delete (fp64['gradients'] as Record<string, Json>)['sft'];
        expected['extra'] = { a: [1, 2] };
      })
      .run();
    expect(report.status).toBe('passed');
    expect(report.warnings.map((warning) => warning.split(':')[1])).toEqual([
      ' batch.entropy was not compared',
      ' batch.kto_b0.1 was not compared',
      ' extra.a was not compared',
      ...report.warnings.filter((warning) => warning.includes('trained.')).map((warning) => warning.split(':')[1]),
    ]);
    expect(formatCase(report)).toMatch(/warnings$/);
  });

  it('runs without texts, labels and packed layouts', async () => {
    type Loose = Record<string, Json>;
    const bare = (pair: Loose): void => {
      delete pair['packed'];
      for (const side of ['chosen', 'rejected']) {
        const sequence = pair[side] as Loose;
        delete sequence['labels'];
        delete sequence['attention_mask'];
      }
    };
    const report = await new CaseCopy('longpo/llama-lora')
      .json<Loose>('inputs.json', (inputs) => {
        for (const example of inputs['examples'] as Loose[]) {
          delete example['text'];
          bare(example);
          (example['turns'] as Loose[]).forEach(bare);
        }
      })
      .run();
    expect(report.status).toBe('passed');
    expect(report.warnings).toEqual([
      'examples.two_turns has no text, so its sequences were not rebuilt',
      'examples.three_turns has no text, so its sequences were not rebuilt',
    ]);
  });
});
