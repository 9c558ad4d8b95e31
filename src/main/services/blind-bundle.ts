import { UserError } from '../../shared/errors.ts';
import type { Workspace } from '../workspace/workspace.ts';

/** Whether the workspace was made from a bundle for blind review: which answer is the chosen one is then never told. */
export function isBlindBundle(workspace: Pick<Workspace, 'bundles'>): boolean {
  return workspace.bundles.opened()?.header.blind === true;
}

/** Keeps what names the chosen answer from an annotator's blind workspace. Errors: `conflict`. */
export function refuseWhereBlind(workspace: Pick<Workspace, 'bundles'>): void {
  if (!isBlindBundle(workspace)) return;
  throw new UserError(
    'conflict',
    'This workspace was made from a bundle for blind review, and this would tell which answer is the chosen one.',
    {
      hint: 'Review the pairs on the Pairs page, and send the verdicts back.',
    },
  );
}
