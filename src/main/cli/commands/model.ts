import { Command } from 'commander';
import type { ModelReport } from '../../../shared/model-report.ts';
import { EngineClient } from '../../services/engine-client.ts';
import { inspectModel, modelProblem } from '../../services/models.ts';
import { bytes, whole } from '../format.ts';
import { invoke, withJson } from '../invocation.ts';
import type { SharedFlags } from '../invocation.ts';
import { facts, textTable } from '../text-table.ts';

/** `longhand model inspect DIR`. */
export function modelCommand(): Command {
  const inspect = withJson(new Command('inspect'))
    .description('describe a Hugging Face model folder: sizes, RoPE, tokenizer, chat template, memory')
    .argument('<dir>', 'folder with config.json, *.safetensors and tokenizer.json')
    .addHelpText('after', () =>
      [
        '',
        'Ends with code 4 where the model cannot be used. Memory is a rough estimate for one sequence.',
        '',
        'Examples:',
        '  longhand model inspect models/SmolLM2-135M-Instruct',
        '  longhand model inspect models/SmolLM2-135M-Instruct --json | jq .contextLength',
      ].join('\n'),
    )
    .action((dir: string, flags: SharedFlags) =>
      invoke(flags, async ({ signal, onProgress, note, print, json }) => {
        const engine = new EngineClient();
        try {
          const report = await inspectModel(engine, dir, { signal, onProgress, onNotice: note });
          print(modelText(report));
          await json(report);
          const problem = modelProblem(report);
          if (problem !== undefined) throw problem;
        } finally {
          await engine.kill();
        }
      }),
    );
  return new Command('model').description('models on this machine').addCommand(inspect);
}

/** A model's report for a person. */
export function modelText(report: ModelReport): string {
  const { rope, tokenizer } = report;
  const ropeRest = Object.entries(rope).filter(([key]) => key !== 'type' && key !== 'theta');
  const about = facts([
    ['folder', report.path],
    ['fingerprint', report.fingerprint],
    ['architecture', report.architecture],
    ['parameters', whole(report.parameters)],
    ['layers', `${report.layers}, hidden size ${report.hiddenSize}, MLP ${report.intermediateSize}`],
    ['attention', `${report.heads} heads of ${report.headDim}, ${report.kvHeads} key/value heads`],
    ['vocabulary', `${whole(report.vocabSize)}${report.tiedEmbeddings ? ', tied embeddings' : ''}`],
    ['context', `${whole(report.contextLength)} tokens`],
    [
      'RoPE',
      [rope.type, `base ${rope.theta}`, ...ropeRest.map(([key, value]) => `${key} ${JSON.stringify(value)}`)].join(
        ', ',
      ),
    ],
    [
      'weights',
      `${bytes(report.weightBytes)} (${Object.entries(report.dtypes)
        .map(([dtype, size]) => `${dtype} ${bytes(size)}`)
        .join(', ')})`,
    ],
    [
      'tokenizer',
      tokenizer === null
        ? 'none that can be used'
        : `${whole(tokenizer.vocabSize)} tokens, BOS ${tokenizer.bosToken ?? 'none'}, EOS ${tokenizer.eosToken ?? 'none'}, PAD ${tokenizer.padToken ?? 'none'}, an answer ends with ${tokenizer.stopTokens.join(' ') || 'nothing'}`,
    ],
    ['chat example', report.chatExample === null ? 'no usable chat template' : JSON.stringify(report.chatExample)],
  ]);
  const right = { align: 'right' } as const;
  const memory = textTable(
    [
      { header: 'context', unit: 'tokens', ...right },
      { header: 'generate', ...right },
      { header: 'train LoRA r16', ...right },
      { header: 'train all', ...right },
    ],
    report.memory.map((row) => [whole(row.tokens), bytes(row.generate), bytes(row.trainLora), bytes(row.trainFull)]),
  );
  const problems = report.problems.map((problem) => `problem: ${problem}`);
  return [
    about,
    '',
    'Memory, roughly, for one sequence:',
    memory,
    ...(problems.length > 0 ? ['', ...problems] : []),
  ].join('\n');
}
