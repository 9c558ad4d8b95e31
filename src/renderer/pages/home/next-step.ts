import type { WorkspaceInfo } from '../../../shared/api/workspaces.ts';

/** The one thing to do next in a workspace. */
export function nextStep(info: WorkspaceInfo | undefined): { readonly page: string; readonly text: string } {
  if (info === undefined) return { page: 'home', text: 'open a workspace' };
  if (info.documents === 0) return { page: 'documents', text: 'import documents' };
  if (info.pairs === 0) return { page: 'generate', text: 'let the model write preference pairs' };
  if (info.runs === 0 && info.unreviewed === info.pairs) return { page: 'pairs', text: 'audit some of the pairs' };
  if (info.runs === 0) return { page: 'train', text: 'train on the pairs' };
  if (info.evaluations === 0) return { page: 'evaluate', text: 'evaluate the base model and the run' };
  return { page: 'runs', text: 'look at the runs' };
}
