import * as ort from 'onnxruntime-node';
import { UserError } from '../../../shared/errors.ts';
import { parseRunConfig } from '../../../shared/run-config.ts';
import type { SelfTestReport } from '../protocol/jobs.ts';
import type { ResidentModel } from '../resident/resident-model.ts';
import { exampleGradient } from '../training/train-step.ts';
import type { ScoredExample } from '../training/example.ts';
import { ropeForModel } from '../training/rope-for.ts';
import { buildExample } from '../training/samples.ts';
import { flashAttentionCheck, matrixProduct, trainingStep } from './device-checks.ts';
import type { Job } from './job-context.ts';
import { threadsOf } from './model-holder.ts';
import { loadModelText } from './model-text.ts';
import type { ModelText } from './model-text.ts';

/**
 * Tries the device and a small model on it: matrix product and flash attention against exact numbers, loading, decoding,
 * a gradient (by differences on the CPU: bfloat16 is too coarse for them), a training step against the CPU's, and that the
 * same gives the same.
 */
export const selfTest: Job<'selfTest'> = async ({ modelDir, device, threads }, context) => {
  const checks: SelfTestReport['checks'][number][] = [];
  const total = device === 'cuda' ? 6 : 7;
  const check = async <T>(name: string, action: () => Promise<{ ok: boolean; detail: string; value?: T }>) => {
    const started = performance.now();
    let outcome: { ok: boolean; detail: string; value?: T };
    try {
      outcome = await action();
    } catch (error) {
      outcome = { ok: false, detail: error instanceof Error ? error.message : String(error) };
      if (error instanceof UserError && error.code === 'cancelled') throw error;
    }
    const { ok, detail, value } = outcome;
    checks.push({ name, ok, detail, seconds: (performance.now() - started) / 1000 });
    context.progress({ phase: 'self-test', done: checks.length, total, unit: 'checks', etaSeconds: null });
    return ok ? value : undefined;
  };

  await check('matrix product', () => matrixProduct(device));
  await check('flash attention', () => flashAttentionCheck(device));
  const tested = await check('load', async () => {
    const text = await loadModelText(modelDir);
    const runner = await context.models.get({
      ...{ modelDir, device, threads, programs: ['score', 'gradients', 'generate'] },
      trainable: { kind: 'full' },
    });
    const value = { text, runner, parameters: await runner.referenceParameters() };
    return {
      ok: true,
      detail: `${runner.layout.total} parameters on ${device}, ${threadsOf({ device, threads })} threads`,
      value,
    };
  });
  if (tested !== undefined) {
    await check('decode', () => decode(tested));
    const { text, parameters } = tested;
    const gradientOf = async (runner: ResidentModel) => (await lossAt({ text, runner }, parameters)).gradient;
    if (device === 'cpu') await check('gradient', () => gradientCheck(tested));
    await check('training step', () => trainingStep(modelDir, device, gradientOf));
    await check('repeat', () => repeat(tested));
  }
  return {
    device,
    versions: {
      node: process.version,
      onnxruntime: ort.env.versions.node ?? '',
      platform: `${process.platform} ${process.arch}`,
    },
    checks,
    ok: checks.length === total && checks.every(({ ok }) => ok),
  };
};

interface Tested {
  readonly text: ModelText;
  readonly runner: ResidentModel;
  readonly parameters: Float32Array;
}

const CONFIG = parseRunConfig({ objective: 'longpo', lambda: 1, nllAnswers: 1 });

/** An answer decoded in one go must be what scoring finds most likely, token by token. */
async function decode({ text, runner, parameters }: Tested) {
  const prompt = text.codec.encodePrompt("Mara's heron slept. Tom's goat ran.\nWhat did Mara's heron do?");
  const state = { parameters, rope: ropeForModel(runner.config, null)(prompt.length + 16) };
  const input = { prefix: new Int32Array(0), prompts: [prompt], maxNewTokens: 16, temperature: 0, topK: 0, topP: 1 };
  const { tokens } = await runner.generate(
    { ...input, uniforms: new Float32Array(0), stopIds: text.codec.stopIds },
    state,
  );
  const answer = tokens[0] ?? new Int32Array(0);
  const ids = Int32Array.from([...prompt, ...answer]);
  const from = Int32Array.from(answer, (_, i) => prompt.length + i - 1);
  const logps = await runner.score({ ids, prefix: ids.length, first: 0, second: 0 }, { from, target: answer }, state);
  // A most likely token of a vocabulary of V has a probability of at least 1 / V.
  const least = -Math.log(runner.config.vocabSize);
  const ok = answer.length > 0 && logps.every((logp) => Number.isFinite(logp) && logp >= least);
  return { ok, detail: `${answer.length} tokens: ${JSON.stringify(text.codec.decode(answer))}` };
}

/** The gradient along itself against a central difference of the loss. */
async function gradientCheck(tested: Tested) {
  const { runner, parameters } = tested;
  const { gradient } = await lossAt(tested, parameters);
  const square = gradient.reduce((sum, g) => sum + g * g, 0);
  const step = 1e-3 / Math.sqrt(square);
  const moved = (sign: number): Float32Array => parameters.map((p, i) => p + sign * step * (gradient[i] ?? 0));
  const difference = ((await lossAt(tested, moved(1))).loss - (await lossAt(tested, moved(-1))).loss) / (2 * step);
  const error = Math.abs(difference / square - 1);
  const ok = runner.layout.total === gradient.length && error < 0.02;
  return { ok, detail: `|g|² ${square.toPrecision(4)}, by differences ${difference.toPrecision(4)}` };
}

async function repeat(tested: Tested) {
  const { gradient } = await lossAt(tested, tested.parameters);
  const again = (await lossAt(tested, tested.parameters)).gradient;
  const same = again.every((value, i) => Object.is(value, gradient[i]));
  return { ok: same, detail: same ? 'the same input gave the same bits' : 'the same input gave other bits' };
}

async function lossAt({ text, runner }: Pick<Tested, 'text' | 'runner'>, parameters: Float32Array) {
  const context = "Mara's heron slept. Tom's goat ran.";
  const question = "What did Mara's heron do?";
  const turn = { pairId: 1, chunkText: context, question, chosen: "Mara's heron slept.", rejected: "Tom's goat ran." };
  const example: ScoredExample = {
    ...buildExample(text.builder, {
      ...{ documentId: 1, documentTitle: 'self-test', context, provenance: { separator: '\n' } },
      turns: [turn],
    }),
    reference: { short: { chosen: [new Float32Array(0)], rejected: [new Float32Array(0)] } },
  };
  const targets = example.tree;
  const zeros = (spans: typeof targets.chosen) => spans.map(([start, end]) => new Float32Array(end - start).fill(-1));
  const reference = { short: { chosen: zeros(targets.chosen), rejected: zeros(targets.rejected) } };
  return exampleGradient(runner, { ...example, reference }, CONFIG, parameters, ropeForModel(runner.config, null));
}
