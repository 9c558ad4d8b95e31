/** Name of the setting (see `UserSettings`) with the UUID of the NVIDIA card that runs shall use. */
export const CARD_SETTING = 'cuda.card';

/**
 * Makes a card that a person chose count for this process and for every engine that it starts from now on.
 * @param chosen the setting's value; whatever is no UUID or number counts as no choice
 */
export function adoptCard(chosen: unknown, env: NodeJS.ProcessEnv = process.env): void {
  if (typeof chosen === 'string' && /^[\w-]{1,80}$/.test(chosen)) env['LONGHAND_CUDA_DEVICE'] = chosen;
}
