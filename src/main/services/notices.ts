import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Notice } from '../../shared/api/system.ts';
import { UserError } from '../../shared/errors.ts';
import { applicationFolder } from '../files/application-folder.ts';

const schema = z.array(
  z.strictObject({ name: z.string(), version: z.string(), licence: z.string(), text: z.string().min(1) }),
);

/** Notices of everything that is packed, as the build left them. Errors: `not_found` where nothing was built yet. */
export function notices(): readonly Notice[] {
  const file = join(applicationFolder(), 'out', 'third-party-notices.json');
  if (!existsSync(file)) {
    throw new UserError('not_found', 'The notices of third parties were not made yet.', {
      hint: 'npm run build makes them.',
      place: { file },
    });
  }
  return schema.parse(JSON.parse(readFileSync(file, 'utf8')));
}
