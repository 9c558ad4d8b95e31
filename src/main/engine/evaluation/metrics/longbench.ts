import { digitRuns } from './python-text.ts';
import { rougeL } from './rouge-pltrdy.ts';
import { fuzzRatio } from './sequence-ratio.ts';
import { best, tokenF1 } from './token-f1.ts';

export type LongBenchMetric = 'qa_f1' | 'rouge_l' | 'classification' | 'retrieval' | 'count' | 'code_sim';

/**
 * LongBench's score of an answer, in [0, 1]: the best over the gold answers (THUDM/LongBench: LongBench/metrics.py and
 * eval.py).
 * @param classes all labels, for the classification
 * @param firstLine only the first line counts (the tasks with worked examples: TREC, TriviaQA, SAMSum)
 */
export function longBenchScore(
  metric: LongBenchMetric,
  answer: string,
  golds: readonly string[],
  { classes, firstLine }: { readonly classes: readonly string[]; readonly firstLine: boolean },
): number {
  const prediction = firstLine ? (answer.replace(/^\n+/, '').split('\n')[0] ?? '') : answer;
  return best(golds, (gold) => {
    switch (metric) {
      case 'qa_f1':
        return tokenF1(prediction, gold);
      case 'rouge_l':
        return rougeL(prediction, gold);
      case 'classification':
        return classified(prediction, gold, classes);
      case 'retrieval':
        return shareOf(digitRuns(prediction), /Paragraph (\p{Nd}+)/u.exec(gold)?.[1] ?? '');
      case 'count':
        return shareOf(digitRuns(prediction), gold);
      case 'code_sim':
        return fuzzRatio(codeLine(prediction), gold) / 100;
    }
  });
}

/** Share of the numbers in an answer that are the right one. */
function shareOf(numbers: readonly string[], right: string): number {
  return numbers.length === 0 ? 0 : numbers.filter((number) => number === right).length / numbers.length;
}

/**
 * One over the number of labels that the answer names, if the right one is among them. Labels that are a part of the
 * right one do not count; as in the original, the label after a removed one is not looked at.
 */
function classified(prediction: string, gold: string, classes: readonly string[]): number {
  const named = classes.filter((label) => prediction.includes(label));
  for (let i = 0; i < named.length; i += 1) {
    const label = named[i] ?? '';
    if (gold.includes(label) && label !== gold) named.splice(named.indexOf(label), 1);
  }
  return named.includes(gold) ? 1 / named.length : 0;
}

/** The first line that is code: no fence, no comment. */
function codeLine(prediction: string): string {
  const lines = prediction.replace(/^\n+/, '').split('\n');
  return lines.find((line) => !line.includes('`') && !line.includes('#') && !line.includes('//')) ?? '';
}

/** The choice that an answer to LongBench v2 names, A to D, or null (THUDM/LongBench: pred.py). */
export function longBenchV2Choice(answer: string): string | null {
  const plain = answer.replaceAll('*', '');
  return (
    /The correct answer is \(([A-D])\)/.exec(plain)?.[1] ?? /The correct answer is ([A-D])/.exec(plain)?.[1] ?? null
  );
}
