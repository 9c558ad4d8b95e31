import { readAdapter } from '../model/peft.ts';
import { loadModelConfig } from '../model/config.ts';
import { tensorOf, type ParameterLayout } from '../model/parameters.ts';
import { loadChatTemplate } from '../text/chat-template.ts';
import { ConversationBuilder } from '../text/conversation.ts';
import { loadTokenizer } from '../text/tokenizer.ts';
import type { ScoredExample } from '../training/example.ts';
import { l2Norm } from '../training/optimizer.ts';
import { scoreReferences } from '../training/reference.ts';
import { ropeForModel } from '../training/rope-for.ts';
import { GradientSum, exampleGradient } from '../training/train-step.ts';
import { findAbove, type CaseFiles } from './case-files.ts';
import { leaf, type Comparison, type OurTensor, type Tree } from './comparison.ts';
import { exampleTensors, exampleTree, field, keysOf, lossOf, lossTree, type ExampleValues } from './example-values.ts';
import type { LongpoInputs } from './longpo-inputs.ts';
import type { ModelPool } from './model-pool.ts';
import { lossKind, objectiveOf } from './objective-keys.ts';
import { packedValues, trainingExample } from './packed-route.ts';
import type { PolicyAndReference } from './policy.ts';
import { checkIds } from './rows.ts';
import { combinedGradient, separateGradients, separateValues, type ExampleGradients } from './separate-route.ts';
import { checkSequences } from './sequence-check.ts';
import { learningRates, train } from './training-check.ts';

/** Losses, divergences, gradients and optimizer steps, through packed pairs and through separate sequences. */
export async function runLongpoCase(
  files: CaseFiles,
  inputs: LongpoInputs,
  modelDir: string,
  pool: ModelPool,
  comparison: Comparison,
): Promise<string[]> {
  const warnings = await compareSequences(inputs, modelDir, comparison);
  const expected = files.expected['fp64'] ?? files.expected['fp32'];
  const model = await openModel(files, inputs, modelDir, pool);
  checkAllIds(inputs, model.runner.config.vocabSize);

  const scored = await scoreWithReference(model, inputs);
  const packed: ExampleValues[] = [];
  const separate: { values: ExampleValues; gradients: ExampleGradients }[] = [];
  for (const [i, example] of inputs.examples.entries()) {
    const pair = scored[i];
    if (pair === undefined) throw new Error('scoreReferences returns every example');
    packed.push(await packedValues(model, pair));
    separate.push({ values: await separateValues(model, example), gradients: await separateGradients(model, example) });
  }
  const separateOnly = separate.map(({ values }) => values);
  compareValues(files, expected, packed, comparison, 'packed');
  compareValues(files, expected, separateOnly, comparison, 'separate');
  compareRoutes(packed, separateOnly, comparison);

  for (const key of keysOf(field(expected, 'gradients'))) {
    const settings = objectiveOf(key);
    if (settings === undefined) continue;
    const sum = new GradientSum(model.runner.layout.total);
    const losses: Record<string, Tree> = {};
    for (const example of scored) {
      const result = await exampleGradient(
        model.runner,
        example,
        settings,
        model.policy.parameters,
        model.policy.ropeFor,
      );
      sum.add(result, example, 1);
      losses[example.id] = { losses: { [key]: leaf(lossKind(settings), result.loss) } };
    }
    const { gradient, metrics } = sum.mean();
    const batch = { [key]: leaf(lossKind(settings), metrics.loss ?? NaN) };
    comparison.tree(expected, { examples: losses, batch }, 'packed, training graph');
    compareGradient(files, expected, key, model.runner.layout, gradient, comparison, 'packed');
    compareGradient(
      files,
      expected,
      key,
      model.runner.layout,
      combinedGradient(separate, settings),
      comparison,
      'separate',
    );
  }
  return [...warnings, ...(await compareTraining(files, inputs, expected, model, scored, comparison))];
}

async function compareSequences(inputs: LongpoInputs, modelDir: string, comparison: Comparison): Promise<string[]> {
  const warnings: string[] = [];
  let builder: ConversationBuilder | undefined;
  for (const example of inputs.examples) {
    const { text } = example;
    if (text === undefined) {
      warnings.push(`examples.${example.id} has no text, so its sequences were not rebuilt`);
      continue;
    }
    builder ??= new ConversationBuilder(await loadTokenizer(modelDir), await loadChatTemplate(modelDir));
    checkSequences({ ...example, text }, builder, inputs.ignore_index, comparison);
  }
  return warnings;
}

async function openModel(
  files: CaseFiles,
  inputs: LongpoInputs,
  modelDir: string,
  pool: ModelPool,
): Promise<PolicyAndReference> {
  const adapter = inputs.adapter
    ? await readAdapter(await findAbove(files.folder, inputs.adapter, 'adapter'), await loadModelConfig(modelDir))
    : undefined;
  const runner = await pool.get(modelDir, adapter?.layout ?? 'full', ['score', 'logProbabilities', 'gradients']);
  const own = await runner.referenceParameters();
  return {
    runner,
    policy: {
      parameters: adapter?.vector ?? own,
      ropeFor: ropeForModel(runner.config, inputs.policy.rope_theta ?? null),
    },
    reference: { parameters: own, ropeFor: ropeForModel(runner.config, inputs.reference.rope_theta ?? null) },
  };
}

function checkAllIds(inputs: LongpoInputs, vocabulary: number): void {
  for (const example of inputs.examples) {
    for (const [place, pair] of [
      ['', example] as const,
      ...example.turns.map((turn, i) => [`.turns.${i}`, turn] as const),
    ]) {
      checkIds(`examples.${example.id}${place}.chosen.input_ids`, pair.chosen.input_ids, vocabulary);
      checkIds(`examples.${example.id}${place}.rejected.input_ids`, pair.rejected.input_ids, vocabulary);
    }
  }
}

/** Reference scores by the code that scores them before a training run. */
async function scoreWithReference(model: PolicyAndReference, inputs: LongpoInputs): Promise<ScoredExample[]> {
  const { runner, reference } = model;
  const { rope } = runner.config;
  const theta = inputs.reference.rope_theta ?? rope.theta;
  const identity = { fingerprint: inputs.model, rope: { ...rope, theta }, ropeFor: reference.ropeFor };
  const none = { get: () => Promise.resolve(undefined), set: () => Promise.resolve() };
  const contexts = { short: true, long: true };
  return scoreReferences(runner, inputs.examples.map(trainingExample), identity, none, { contexts });
}

function compareValues(
  files: CaseFiles,
  expected: unknown,
  examples: readonly ExampleValues[],
  comparison: Comparison,
  route: string,
): void {
  const expectedExamples = field(expected, 'examples');
  const tree = Object.fromEntries(
    examples.map((values) => [values.id, exampleTree(values, field(expectedExamples, values.id))]),
  );
  const batch = lossTree(
    keysOf(field(expected, 'batch')),
    (settings) => examples.reduce((sum, values) => sum + lossOf(values, settings), 0) / examples.length,
  );
  comparison.tree(expected, { examples: tree, batch }, route);
  compareTensors(files, examples.flatMap(exampleTensors), comparison, route);
}

/** Every log-probability of the packed rows against that of the same token in a sequence of its own. */
function compareRoutes(
  packed: readonly ExampleValues[],
  separate: readonly ExampleValues[],
  comparison: Comparison,
): void {
  const others = separate.flatMap(exampleTensors);
  for (const [i, { data, shape }] of packed.flatMap(exampleTensors).entries()) {
    const other = others[i];
    if (other === undefined) throw new Error('both ways give the same tensors');
    if (data instanceof Float32Array)
      comparison.tensor({ data, shape }, { ...other, group: 'packed against separate' });
  }
}

function compareGradient(
  files: CaseFiles,
  expected: unknown,
  key: string,
  layout: ParameterLayout,
  gradient: Float32Array,
  comparison: Comparison,
  route: string,
): void {
  const norms = layout.tensors.map(
    ({ name }) => [name, leaf('gradientNorm', l2Norm(tensorOf(layout, gradient, name)))] as const,
  );
  const values = { global_norm: leaf('gradientNorm', l2Norm(gradient)), norms: Object.fromEntries(norms) };
  comparison.tree(expected, { gradients: { [key]: values } }, route);
  const tensors = layout.tensors.map(({ name, shape }): OurTensor => ({
    name: `grad.${key}.${name}`,
    group: `grad.${key}`,
    kind: 'gradient',
    data: tensorOf(layout, gradient, name),
    shape,
  }));
  compareTensors(files, tensors, comparison, route);
}

async function compareTraining(
  files: CaseFiles,
  inputs: LongpoInputs,
  expected: unknown,
  model: PolicyAndReference,
  examples: readonly ScoredExample[],
  comparison: Comparison,
): Promise<string[]> {
  const { optimizer } = inputs;
  const training = field(expected, 'training');
  if (optimizer === undefined) return [];
  if (optimizer.learning_rates !== undefined) {
    comparison.tree(
      { optimizer: { learning_rates: optimizer.learning_rates } },
      {
        optimizer: { learning_rates: learningRates(optimizer).map((rate) => leaf('learningRate', rate)) },
      },
    );
  }
  if (training === undefined) return [];
  const key = field(training, 'objective');
  const settings = typeof key === 'string' ? objectiveOf(key) : undefined;
  if (typeof key !== 'string' || settings === undefined)
    return [`training.objective (${JSON.stringify(key)}) is not known: training was not compared`];
  // The inputs name beta and lambda again.
  if (optimizer.beta !== undefined)
    comparison.value('training.objective: beta', 'exact', settings.beta, optimizer.beta);
  if (optimizer.lambda !== undefined)
    comparison.value('training.objective: lambda', 'exact', settings.lambda, optimizer.lambda);
  const { tree, tensors } = await train(model, examples, settings, optimizer);
  comparison.tree(expected, { training: { ...tree, objective: leaf('exact', key) } });
  compareTensors(files, tensors, comparison);
  return [];
}

function compareTensors(files: CaseFiles, tensors: readonly OurTensor[], comparison: Comparison, route?: string): void {
  for (const tensor of tensors) {
    const file = files.tensors.get(tensor.name);
    if (file !== undefined) comparison.tensor(file, tensor, route);
  }
}
