import { UserError } from '../../../shared/errors.ts';
import { cudaReport } from './report.ts';

/**
 * Free memory of the chosen card in bytes; what our own processes hold counts as free.
 * @throws UserError('unavailable') with the reason where CUDA cannot be used
 */
export async function freeOnCard(ownPids: readonly number[]): Promise<number> {
  const { problems, cards, chosen } = await cudaReport({ ownPids });
  const [problem] = problems;
  if (problem !== undefined) {
    throw new UserError('unavailable', `CUDA cannot be used: ${problem.message}`, { hint: problem.hint });
  }
  const card = cards.find(({ uuid }) => uuid === chosen);
  const ours = card?.processes.filter(({ pid }) => ownPids.includes(pid)) ?? [];
  const held = ours.reduce((sum, { memory }) => sum + (memory ?? 0), 0);
  return (card?.memoryTotal ?? 0) - (card?.memoryUsed ?? 0) + held;
}
