import type { ObjectiveSettings } from '../training/objectives.ts';

const NUMBER = '([0-9.]+(?:e[+-]?[0-9]+)?)';
const LONGPO = new RegExp(`^longpo_b${NUMBER}_l${NUMBER}$`);
const PREFERENCE = new RegExp(`^(preference|dpo)_b${NUMBER}$`);

/** The settings of an objective by its name in expected.json ('longpo_b0.1_l0.01'); undefined for names unknown. */
export function objectiveOf(key: string): ObjectiveSettings | undefined {
  if (key === 'nll_full') return { objective: 'sft', beta: 1, lambda: 0, nllDocument: 1, nllAnswers: 0 };
  if (key === 'sft') return { objective: 'sft', beta: 1, lambda: 0, nllDocument: 0, nllAnswers: 1 };
  const longpo = LONGPO.exec(key);
  if (longpo !== null) {
    return { objective: 'longpo', beta: Number(longpo[1]), lambda: Number(longpo[2]), nllDocument: 1, nllAnswers: 0 };
  }
  const preference = PREFERENCE.exec(key);
  if (preference === null) return undefined;
  const objective = preference[1] === 'dpo' ? 'dpo' : 'longpo';
  return { objective, beta: Number(preference[2]), lambda: 1, nllDocument: 0, nllAnswers: 0 };
}

/** How a value of an objective is compared: pure likelihoods more closely than losses with a preference term. */
export function lossKind({ objective }: ObjectiveSettings): 'nll' | 'loss' {
  return objective === 'sft' ? 'nll' : 'loss';
}
