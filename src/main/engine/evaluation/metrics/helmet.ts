import { normaliseAnswer, strip } from './python-text.ts';
import { rougeScoreL, rougeScoreLsum } from './rouge-score.ts';
import { best, tokenF1 } from './token-f1.ts';

/** HELMET's figures of an answer, all in [0, 1]. */
export type HelmetScores = Readonly<Record<(typeof helmetFigures)[number], number>>;
export const helmetFigures = [
  ...(['exact_match', 'f1', 'substring_exact_match'] as const),
  ...(['rougeL_f1', 'rougeL_recall', 'rougeLsum_f1', 'rougeLsum_recall'] as const),
] as const;

/** Each figure's best over the gold answers (princeton-nlp/HELMET: utils.py, calculate_metrics). */
export function helmetScores(answer: string, golds: readonly string[]): HelmetScores {
  const normal = normaliseAnswer(answer);
  const rouges = golds.map((gold) => ({ l: rougeScoreL(answer, gold, true), sum: rougeScoreLsum(answer, gold, true) }));
  const most = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), 0);
  return {
    exact_match: best(golds, (gold) => (normal === normaliseAnswer(gold) ? 1 : 0)),
    f1: best(golds, (gold) => strictF1(answer, gold)),
    substring_exact_match: best(golds, (gold) => (normal.includes(normaliseAnswer(gold)) ? 1 : 0)),
    rougeL_f1: most(rouges.map(({ l }) => l.f1)),
    rougeL_recall: most(rouges.map(({ l }) => l.recall)),
    rougeLsum_f1: most(rouges.map(({ sum }) => sum.f1)),
    rougeLsum_recall: most(rouges.map(({ sum }) => sum.recall)),
  };
}

/** Figure by figure the better of two. */
export function better(a: HelmetScores, b: HelmetScores): HelmetScores {
  return Object.fromEntries(helmetFigures.map((name) => [name, Math.max(a[name], b[name])])) as HelmetScores;
}

const WHOLE = ['yes', 'no', 'noanswer'];

/** F1 of the words; yes, no and noanswer count only as a whole. */
function strictF1(answer: string, gold: string): number {
  const [a, b] = [normaliseAnswer(answer), normaliseAnswer(gold)];
  return (WHOLE.includes(a) || WHOLE.includes(b)) && a !== b ? 0 : tokenF1(answer, gold);
}

/** What stands after the first `prefix` (without case) on its line, or the first line (utils.py, parse_output). */
export function helmetParsed(output: string, prefix: string): string {
  const literal = prefix.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  const found = new RegExp(`${literal}([^\\n]*)`, 'i').exec(output)?.[1] ?? /^[^\n]*/.exec(output)?.[0] ?? '';
  return strip(strip(found).replace(new RegExp(`^${literal}`, 'i'), ''));
}

/** RULER's recall as HELMET takes it: share of the answers that occur, without case. */
export function helmetRecall(output: string, golds: readonly string[]): number {
  const text = output.toLowerCase();
  return golds.filter((gold) => text.includes(gold.toLowerCase())).length / golds.length;
}
