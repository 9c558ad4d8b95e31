import { z } from 'zod';

/** What a published set is called, the figure that its authors report, and what an item is. */
export interface PublishedForm {
  readonly label: string;
  /** The metric behind the figure `score`. */
  readonly metric: string;
}

const form = (label: string, metric: string): PublishedForm => ({ label, metric });
const longbench = (name: string, metric: string): PublishedForm => form(`LongBench ${name}`, metric);

/**
 * Published sets whose files the user has, by benchmark and the name of their file: InfiniteBench (arXiv 2402.13718),
 * LongBench (2308.14508) and v2 (2412.15204), HELMET (2410.02694).
 */
export const publishedForms = {
  'infinitebench/longbook_sum_eng': form('InfiniteBench En.Sum', 'ROUGE-Lsum'),
  'infinitebench/longbook_qa_eng': form('InfiniteBench En.QA', 'F1'),
  'infinitebench/longbook_choice_eng': form('InfiniteBench En.MC', 'accuracy'),
  'longbench/narrativeqa': longbench('NarrativeQA', 'F1'),
  'longbench/qasper': longbench('Qasper', 'F1'),
  'longbench/multifieldqa_en': longbench('MultiFieldQA-en', 'F1'),
  'longbench/hotpotqa': longbench('HotpotQA', 'F1'),
  'longbench/2wikimqa': longbench('2WikiMQA', 'F1'),
  'longbench/musique': longbench('MuSiQue', 'F1'),
  'longbench/gov_report': longbench('GovReport', 'ROUGE-L'),
  'longbench/qmsum': longbench('QMSum', 'ROUGE-L'),
  'longbench/multi_news': longbench('MultiNews', 'ROUGE-L'),
  'longbench/trec': longbench('TREC', 'accuracy'),
  'longbench/triviaqa': longbench('TriviaQA', 'F1'),
  'longbench/samsum': longbench('SAMSum', 'ROUGE-L'),
  'longbench/passage_count': longbench('PassageCount', 'accuracy'),
  'longbench/passage_retrieval_en': longbench('PassageRetrieval-en', 'accuracy'),
  'longbench/lcc': longbench('LCC', 'edit similarity'),
  'longbench/repobench-p': longbench('RepoBench-P', 'edit similarity'),
  longbench_v2: form('LongBench v2', 'accuracy'),
  'helmet/rag': form('HELMET RAG', 'substring exact match'),
  'helmet/json_kv': form('HELMET JSON KV', 'substring exact match'),
  'helmet/ruler_niah': form('HELMET RULER needles', 'recall'),
  'helmet/ruler_niah_mk_3': form('HELMET RULER needles of UUIDs', 'recall'),
  'helmet/ruler_niah_mv': form('HELMET RULER needles of many values', 'recall'),
  'helmet/ruler_niah_mq': form('HELMET RULER needles of many keys', 'recall'),
  'helmet/icl': form('HELMET ICL', 'exact match'),
  'helmet/qa': form('HELMET QA', 'ROUGE-L F1'),
  'helmet/choice': form('HELMET choice', 'exact match'),
} as const satisfies Readonly<Record<string, PublishedForm>>;

export type PublishedFormName = keyof typeof publishedForms;
export const publishedFormNames = Object.keys(publishedForms) as [PublishedFormName, ...PublishedFormName[]];
export const publishedFormSchema = z.enum(publishedFormNames);
