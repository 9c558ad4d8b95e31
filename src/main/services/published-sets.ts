import { fileURLToPath } from 'node:url';
import type { PublishedFormName } from '../../shared/published-forms.ts';

const folder = new URL('../../../resources/evaluation/published/', import.meta.url);

/** The small set of our own in a published form (scripts/published-sets.ts). */
export function publishedSetPath(form: PublishedFormName): string {
  // HELMET asks for the files of InfiniteBench.
  const shared: Partial<Record<PublishedFormName, string>> = {
    'helmet/qa': 'infinitebench/longbook_qa_eng.jsonl',
    'helmet/choice': 'infinitebench/longbook_choice_eng.jsonl',
    longbench_v2: 'longbench_v2.json',
  };
  return fileURLToPath(new URL(shared[form] ?? `${form}.jsonl`, folder));
}
