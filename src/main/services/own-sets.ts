import { join } from 'node:path';
import type { ChoiceForm, JudgedForm } from '../../shared/evaluation-tasks.ts';
import type { PublishedFormName } from '../../shared/published-forms.ts';
import { applicationFolder } from '../files/application-folder.ts';

/** Small sets of our own in the published forms, see scripts/evaluation-sets.ts and scripts/published-sets.ts. */
export const evaluationFolder = join(applicationFolder(), 'resources', 'evaluation');
const folder = join(evaluationFolder, 'published');

/** The small set of our own in a published form (scripts/published-sets.ts). */
export function publishedSetPath(form: PublishedFormName): string {
  // HELMET asks for the files of InfiniteBench, and alike about one needle and about several.
  const shared: Partial<Record<PublishedFormName, string>> = {
    'helmet/qa': 'infinitebench/longbook_qa_eng.jsonl',
    'helmet/choice': 'infinitebench/longbook_choice_eng.jsonl',
    'helmet/ruler_niah_mk_3': 'helmet/ruler_niah.jsonl',
    'helmet/ruler_niah_mq': 'helmet/ruler_niah_mv.jsonl',
    longbench_v2: 'longbench_v2.json',
  };
  return join(folder, shared[form] ?? `${form}.jsonl`);
}

/** Questions and references of our own in the form of a judged set. */
export function judgedSetPaths(form: JudgedForm): { readonly path: string; readonly references: string } {
  const [path, references] =
    form === 'mt_bench' ? ['question.jsonl', 'reference.jsonl'] : ['test_cases.json', 'few_shots.json'];
  return { path: join(folder, form, path), references: join(folder, form, references) };
}

/** Our own questions and worked examples in a form of multiple choice. */
export function choiceSetPaths(form: ChoiceForm): { readonly path: string; readonly examples: string } {
  const sets = join(evaluationFolder, 'sets');
  return { path: join(sets, `${form}.jsonl`), examples: join(sets, `${form}-examples.jsonl`) };
}
