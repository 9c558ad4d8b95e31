import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { judgedSetPaths } from '../../src/main/services/own-sets.ts';
import { openWorkspace } from '../../src/main/workspace/workspace.ts';
import { wilson } from '../../src/shared/wilson.ts';
import type { Estimate } from '../../src/shared/evaluation-tasks.ts';

const lengths = [4096, 8192, 16_384, 32_768, 65_536, 131_072];
const depths = [0, 0.25, 0.5, 0.75, 1];
const perCell = 20;

const figures = (name: string, { value, low, high }: Estimate): Record<string, number> => ({
  ...{ [name]: value, [`${name}/low`]: low, [`${name}/high`]: high },
});

/** How many needles of a cell are found: fewer the longer the text, fewest in its middle. */
function found(reach: number, length: number, depth: number): number {
  const share = 1 / (1 + (length / reach) ** 2) + (0.35 * Math.abs(depth - 0.5)) / 0.5;
  return Math.round(perCell * Math.min(1, share));
}

/**
 * A workspace as it is after evaluations of a large model: needles at six lengths and five depths, and MT-Bench judged by
 * the model itself and by another one. A base model and three adapters.
 */
export function makeEvaluationsWorkspace(folder: string): void {
  const { path } = judgedSetPaths('mt_bench');
  const questions = readFileSync(path, 'utf8');
  const first = JSON.parse(questions.split('\n')[0] ?? '') as { category: string; turns: string[] };
  const task = { kind: 'judged', name: 'MT-Bench', form: 'mt_bench', path, judge: '/models/judge' };
  const workspace = openWorkspace(folder, { create: true });
  const request = { modelFingerprint: 'b'.repeat(64), codeVersion: '0', seed: 42 };
  const arms = [
    { source: { kind: 'base' }, reach: 9000, rating: 5.2 },
    { source: { kind: 'adapter', dir: '/adapters/sft' }, reach: 15_000, rating: 4.9 },
    { source: { kind: 'adapter', dir: '/adapters/dpo' }, reach: 30_000, rating: 5.1 },
    { source: { kind: 'adapter', dir: '/adapters/longpo' }, reach: 90_000, rating: 5.4 },
  ];
  try {
    for (const [number, { source, reach, rating }] of arms.entries()) {
      const needle = workspace.evaluations.add({
        ...request,
        ...{ setName: 'niah_single_2', setSha256: 'c'.repeat(64), kind: 'ruler', config: { source } },
      });
      const summary: Record<string, number> = { items: lengths.length * depths.length * perCell, too_long: 0 };
      let index = 0;
      let all = 0;
      for (const length of lengths) {
        let atLength = 0;
        for (const depth of depths) {
          const right = found(reach, length, depth);
          atLength += right;
          const name = `score/${length}/${depth}`;
          Object.assign(summary, figures(name, wilson(right, perCell)), { [`${name}/n`]: perCell });
          workspace.evaluations.addItems(
            needle,
            Array.from({ length: perCell }, (_, i) => ({
              ...{
                index: index++,
                question: 'the number for the key',
                expected: '4711',
                answer: i < right ? '4711' : '17',
              },
              ...{ score: i < right ? 1 : 0, detail: { finish: 'stop', length, depth } },
            })),
          );
        }
        all += atLength;
        Object.assign(summary, figures(`score/${length}`, wilson(atLength, depths.length * perCell)));
      }
      workspace.evaluations.setStatus(needle, 'running');
      workspace.evaluations.finish(needle, { ...figures('score', wilson(all, index)), ...summary });

      const selfJudged = number % 2 === 0;
      const judge = {
        name: selfJudged ? 'the-base' : 'a-judge',
        fingerprint: (selfJudged ? 'b' : 'd').repeat(64),
        selfJudged,
      };
      const chat = workspace.evaluations.add({
        ...request,
        ...{
          setName: 'MT-Bench',
          setSha256: createHash('sha256').update(`mt_bench ${judge.fingerprint}\n`).update(questions).digest('hex'),
          kind: 'judged',
          config: { source: { ...source, modelDir: '/models/base' }, judge, task },
        },
      });
      const category = first.category;
      workspace.evaluations.addItems(chat, [
        {
          ...{ index: 0, question: first.turns[0] ?? '', expected: '', answer: 'It is a town by the sea.' },
          score: rating,
          detail: {
            ...{ category, turn: 1, finish: 'stop', rating: Math.round(rating) },
            judgement: `The answer is short and says little of what was asked. Rating: [[${Math.round(rating)}]]`,
          },
        },
        {
          ...{ index: 1, question: first.turns[1] ?? '', expected: '', answer: '' },
          ...{
            score: 0,
            detail: { category, turn: 2, finish: 'stop', rating: null, judgement: 'Good.', retried: true },
          },
        },
      ]);
      workspace.evaluations.setStatus(chat, 'running');
      workspace.evaluations.finish(chat, {
        ...figures('rating', { value: rating, low: rating - 0.4, high: rating + 0.4, n: 80 }),
        items: 80,
      });
    }
  } finally {
    workspace.close();
  }
}
