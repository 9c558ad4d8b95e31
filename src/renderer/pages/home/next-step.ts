import type { WorkspaceInfo } from '../../../shared/api/workspaces.ts';
import { formatCount } from '../../components/format.ts';

/** A step of the work, in its order: what is there already, and what to do. */
export interface WorkStep {
  readonly page: string;
  /** What to do, as a request. */
  readonly todo: string;
  /** What there is; null while there is nothing. */
  readonly done: string | null;
}

const count = (value: number, one: string, many: string): string => `${formatCount(value)} ${value === 1 ? one : many}`;

/** The steps from a model and documents to a measured run. */
export function workSteps(info: WorkspaceInfo): readonly WorkStep[] {
  const { models, documents, pairs, unreviewed, runs, evaluations } = info;
  const reviewed = pairs - unreviewed;
  const there = (value: number, one: string, many: string): string | null =>
    value === 0 ? null : count(value, one, many);
  return [
    { page: 'models', todo: 'add the model that shall read longer', done: there(models, 'model', 'models') },
    { page: 'documents', todo: 'import documents', done: there(documents, 'document', 'documents') },
    { page: 'generate', todo: 'let the model write preference pairs', done: there(pairs, 'pair', 'pairs') },
    {
      page: 'pairs',
      todo: 'audit some of the pairs',
      done: reviewed === 0 ? null : `${count(reviewed, 'pair', 'pairs')} reviewed`,
    },
    { page: 'train', todo: 'train on the pairs', done: there(runs, 'run', 'runs') },
    {
      page: 'evaluate',
      todo: 'evaluate the base model and the run',
      done: there(evaluations, 'evaluation', 'evaluations'),
    },
  ];
}

/** The one thing to do next in a workspace. The audit is not asked for any more once a run exists. */
export function nextStep(info: WorkspaceInfo | undefined): { readonly page: string; readonly text: string } {
  if (info === undefined) return { page: 'home', text: 'open a workspace' };
  const open = workSteps(info).find(({ page, done }) => done === null && !(page === 'pairs' && info.runs > 0));
  return open === undefined ? { page: 'runs', text: 'look at the runs' } : { page: open.page, text: open.todo };
}
