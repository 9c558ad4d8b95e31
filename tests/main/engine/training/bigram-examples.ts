import { uniformInt } from 'pure-rand/distribution/uniformInt';
import type { TrainingExample } from '../../../../src/main/engine/training/example.ts';
import type { AnswerTree, Span } from '../../../../src/main/engine/training/objectives.ts';
import { randomStream } from '../../../../src/main/engine/random.ts';
import { VOCABULARY } from './bigram-runner.ts';

const END = 1;

/** Documents of 20 tokens with two turns each (or the first alone): chosen answers count upwards, rejected ones are random. */
export function bigramExamples(count: number, turnsPerSample = 2): TrainingExample[] {
  return Array.from({ length: count }, (_, n) => {
    const random = randomStream(n, 'examples');
    const tokens = (length: number): number[] => Array.from({ length }, () => uniformInt(random, 2, VOCABULARY - 1));
    const document = tokens(20);
    const turns = [0, 1].map(() => {
      const start = uniformInt(random, 2, VOCABULARY - 4);
      return { question: [...tokens(2), start], chosen: [start + 1, start + 2, END], rejected: [...tokens(2), END] };
    });
    const [one, two] = turns as [(typeof turns)[number], (typeof turns)[number]];
    return {
      id: `example-${n}`,
      document: { id: `document-${n}`, name: `Document ${n}.txt` },
      tree: treeOf(
        [...document, ...one.question],
        turnsPerSample === 1 ? [one.chosen] : [one.chosen, two.question, two.chosen],
        turnsPerSample === 1 ? [one.rejected] : [one.rejected, two.question, two.rejected],
      ),
      short: turns
        .slice(0, turnsPerSample)
        .map(({ question, chosen, rejected }) => treeOf([...document.slice(0, 4), ...question], [chosen], [rejected])),
    };
  });
}

/** Branches are lists of parts, of which every other one (the first, the third) is an answer. */
function treeOf(prefix: number[], chosen: number[][], rejected: number[][]): AnswerTree {
  const spans = (parts: number[][], from: number): Span[] => {
    let at = from;
    const all = parts.map((part): Span => [at, (at += part.length)]);
    return all.filter((_, i) => i % 2 === 0);
  };
  const [a, b] = [chosen.flat(), rejected.flat()];
  return {
    tokens: { ids: Int32Array.from([...prefix, ...a, ...b]), prefix: prefix.length, first: a.length, second: b.length },
    chosen: spans(chosen, prefix.length),
    rejected: spans(rejected, prefix.length + a.length),
  };
}
