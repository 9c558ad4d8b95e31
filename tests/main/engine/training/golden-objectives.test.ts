import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tensorOf } from '../../../../src/main/engine/model/parameters.ts';
import type { ResidentModel } from '../../../../src/main/engine/resident/resident-model.ts';
import type { RopeFor, ScoredExample } from '../../../../src/main/engine/training/example.ts';
import type { ExampleResult } from '../../../../src/main/engine/training/example-result.ts';
import { evaluateHeldOut } from '../../../../src/main/engine/training/held-out.ts';
import type { AnswerTree } from '../../../../src/main/engine/training/objectives.ts';
import { distillationGradient } from '../../../../src/main/engine/training/opsdl.ts';
import { exampleGradient } from '../../../../src/main/engine/training/train-step.ts';
import { parseRunConfig, type RunConfigInput } from '../../../../src/shared/run-config.ts';
import { loadGoldenModel } from './golden-model.ts';

interface Expected {
  readonly loss: number;
  readonly gradient_norm: number;
  readonly norms: Readonly<Record<string, number>>;
}
const FOLDER = path.join(import.meta.dirname, '../../../fixtures/objectives');
type Golden = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, Expected>>>>>>;
const read = (name: string): Golden => JSON.parse(readFileSync(path.join(FOLDER, name), 'utf8')) as Golden;
/** Losses and gradients by case, example and objective, from make_objectives.py beside it: the papers' formulas. */
const EXPECTED = read('expected.json');
/** The same from the functions of TRL's trainers (make_trl.py). */
const TRL = read('trl.json');

const CONFIGS: Readonly<Record<string, RunConfigInput>> = {
  simpo: { objective: 'simpo' },
  orpo: { objective: 'orpo' },
  longpo_without_preference: { objective: 'longpo', lambda: 0 },
  dpo_with_nll: { objective: 'dpo', lambda: 0.01, nllDocument: 1 },
  solopo_dpo: { objective: 'solopo' },
  solopo_simpo: { objective: 'solopo', reward: 'simpo' },
  solopo_orpo: { objective: 'solopo', reward: 'orpo' },
  opsdl: { objective: 'opsdl' },
  trl_simpo: { objective: 'simpo' },
  // TRL and the authors' code take the NLL over prompt and answer, the paper's Eq. 6 over the answer.
  trl_orpo: { objective: 'orpo', nllDocument: 1, nllAnswers: 0 },
  trl_opsdl: { objective: 'opsdl' },
};

const norm = (values: Float32Array): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));

function near(actual: number, expected: number | undefined, tolerance: number, what: string): void {
  expect(Math.abs(actual - (expected ?? NaN)), `${what}: ${actual} for ${expected}`).toBeLessThan(tolerance);
}

/** The first turn alone. */
function firstTurn({ tokens, chosen, rejected }: AnswerTree): AnswerTree {
  const { ids, prefix, first } = tokens;
  const [, chosenEnd = 0] = chosen[0] ?? [];
  const [, rejectedEnd = 0] = rejected[0] ?? [];
  const own = [ids.subarray(0, chosenEnd), ids.subarray(prefix + first, rejectedEnd)].flatMap((part) => [...part]);
  const size = chosenEnd - prefix;
  return {
    tokens: { ids: Int32Array.from(own), prefix, first: size, second: own.length - chosenEnd },
    chosen: [[prefix, chosenEnd]],
    rejected: [[chosenEnd, own.length]],
  };
}

describe.each(Object.keys(EXPECTED))('objectives on %s', (name) => {
  let runner: ResidentModel;
  let start: Float32Array;
  let policyRope: RopeFor;
  let referenceRope: RopeFor;
  let whole: ScoredExample[];
  let single: ScoredExample[];

  beforeAll(async () => {
    const model = await loadGoldenModel(name);
    ({ runner, start, policyRope, referenceRope } = model);
    const first = model.examples.map((example) => ({
      ...example,
      tree: firstTurn(example.tree),
      short: example.short.slice(0, 1),
    }));
    whole = await model.score(model.examples);
    single = await model.score(first);
  });
  afterAll(() => runner.release());

  it.each(Object.entries(CONFIGS))('gives loss and gradient of %s as PyTorch does', async (key, input) => {
    const settings = parseRunConfig(input);
    for (const example of settings.turnsPerSample === 1 ? single : whole) {
      const expected = (key.startsWith('trl') ? TRL : EXPECTED)[name]?.[example.id]?.[key] ?? expect.fail();
      const result: ExampleResult =
        settings.objective === 'opsdl'
          ? await distillationGradient(runner, example, rejectedAnswer(example), settings, start, policyRope)
          : await exampleGradient(runner, example, settings, start, policyRope);
      near(result.loss, expected.loss, 1e-4, `${example.id} loss`);
      near(norm(result.gradient) / expected.gradient_norm, 1, 2e-4, `${example.id} gradient`);
      for (const [tensor, value] of Object.entries(expected.norms)) {
        near(norm(tensorOf(runner.layout, result.gradient, tensor)) / value, 1, 2e-4, `${example.id} ${tensor}`);
      }
      if (settings.objective === 'opsdl') continue;
      const options = { settings, parameters: start, policyRope, referenceRope };
      const heldOut = await evaluateHeldOut(runner, [example], options);
      near(heldOut?.eval_loss ?? NaN, expected.loss, 1e-4, `${example.id} held-out loss`);
    }
  });
});

function rejectedAnswer({ tree }: ScoredExample): Int32Array {
  const [start, end] = tree.rejected[0] ?? expect.fail();
  return tree.tokens.ids.slice(start, end);
}
