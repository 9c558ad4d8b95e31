import { uniformsFor } from '../random.ts';
import type { ModelRunner, ModelState, Targets, TreeTokens } from '../model/runner.ts';
import type { ExampleResult } from './example-result.ts';
import { positionsOf, type RopeFor, type TrainingExample } from './example.ts';
import { linearGradient } from './linear-gradient.ts';
import { buildTargets, sumTokens, type AnswerTree, type ObjectiveSettings } from './objectives.ts';

/**
 * OPSDL (arXiv 2604.17535), on-policy: an answer y is sampled from the policy on the long input; the policy itself on the
 * short input is the teacher, whose log-probabilities are constants. With A_t = log p(y_t | short) - log p(y_t | long),
 * loss = -lambda * mean_t(A_t), the per-token reverse KL (the mean over each answer as in TRL's SDFTTrainer; what the paper
 * does was not to be had, docs/decisions/0015), and gradient = -lambda * mean_t(A_t * d log p(y_t | long)).
 * The stored answers are not read. One turn an example.
 * @param step of the run, from 1: together with the seed and the example it decides the sample
 * @param stopIds what ends an answer; left out: the end tokens of model and template
 */
export async function opsdlGradient(
  runner: ModelRunner,
  example: TrainingExample,
  settings: ObjectiveSettings,
  parameters: Float32Array,
  ropeFor: RopeFor,
  step: number,
  stopIds: readonly number[] = endTokens(runner, example),
): Promise<ExampleResult> {
  const answer = await sampleAnswer(runner, example, settings, parameters, ropeFor, step, stopIds);
  return distillationGradient(runner, example, answer, settings, parameters, ropeFor);
}

/** Loss and gradient for an answer that is given. */
export async function distillationGradient(
  runner: ModelRunner,
  { id, tree, short: shorts }: TrainingExample,
  answer: Int32Array,
  settings: ObjectiveSettings,
  parameters: Float32Array,
  ropeFor: RopeFor,
): Promise<ExampleResult> {
  const [short, ...others] = shorts;
  if (short === undefined || others.length > 0) throw new Error(`OPSDL needs one turn, example ${id} has others.`);
  const prepared = (row: AnswerTree): Row => ({
    tokens: row.tokens,
    targets: buildTargets(row, { ...settings, objective: 'sft', nllDocument: 0, nllAnswers: 1 }).targets,
    state: { parameters, rope: ropeFor(positionsOf(row)) },
  });
  const student = prepared(withAnswer(tree, answer));
  const teacher = prepared(withAnswer(short, answer));
  const ofTeacher = await runner.score(teacher.tokens, teacher.targets, teacher.state);
  const ofStudent = await runner.score(student.tokens, student.targets, student.state);
  const weight = settings.lambda / answer.length;
  const slopes = Float64Array.from(ofStudent, (logp, t) => weight * (logp - (ofTeacher[t] ?? NaN)));
  const { gradient } = await linearGradient(runner, student.tokens, student.targets, slopes, student.state);
  const kl = (sumTokens(ofStudent) - sumTokens(ofTeacher)) / answer.length;
  return {
    loss: settings.lambda * kl,
    metrics: { loss: settings.lambda * kl, preference_loss: kl, 'completions/mean_length': answer.length },
    pairs: [],
    tokens: student.tokens.ids.length,
    gradient,
  };
}

interface Row {
  readonly tokens: TreeTokens;
  readonly targets: Targets;
  readonly state: ModelState;
}

/** Stored answers end with the template's end-of-turn token, which need not be the model's own end token. */
function endTokens(runner: ModelRunner, { tree }: TrainingExample): number[] {
  const end = tree.tokens.ids[(tree.chosen[0]?.[1] ?? 0) - 1];
  return [...new Set([...runner.config.eosTokenIds, ...(end === undefined ? [] : [end])])];
}

async function sampleAnswer(
  runner: ModelRunner,
  { id, tree }: TrainingExample,
  { seed = 0, maxNewTokens = 1, temperature = 1 }: ObjectiveSettings,
  parameters: Float32Array,
  ropeFor: RopeFor,
  step: number,
  stopIds: readonly number[],
): Promise<Int32Array> {
  const { ids, prefix } = tree.tokens;
  const uniforms = temperature === 0 ? new Float32Array() : uniformsFor(seed, `opsdl ${step} ${id}`, maxNewTokens);
  const { tokens } = await runner.generate(
    {
      // A shared prefix is read as in training (on CUDA by flash attention), what follows it is not.
      prefix: ids.slice(0, prefix - 1),
      prompts: [ids.slice(prefix - 1, prefix)],
      ...{ maxNewTokens, temperature, topK: 0, topP: 1, uniforms, stopIds },
    },
    { parameters, rope: ropeFor(prefix + maxNewTokens) },
  );
  return tokens[0] ?? new Int32Array();
}

/** The prompt of a row's first turn with another answer. */
function withAnswer({ tokens }: AnswerTree, answer: Int32Array): AnswerTree {
  const { prefix } = tokens;
  const ids = new Int32Array(prefix + answer.length);
  ids.set(tokens.ids.subarray(0, prefix));
  ids.set(answer, prefix);
  return {
    tokens: { ids, prefix, first: answer.length, second: 0 },
    chosen: [[prefix, prefix + answer.length]],
    rejected: [],
  };
}
