import { realpath } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { UserError } from '../../../shared/errors.ts';

/**
 * Which files a window may name: only what lies in the folders that the user granted (at start, or with a native
 * dialog). Links are followed before it is decided.
 */
export class PathGrants {
  readonly #roots = new Set<string>();

  constructor(roots: readonly string[]) {
    for (const root of roots) this.#roots.add(resolve(root));
  }

  grant(path: string): void {
    this.#roots.add(resolve(path));
  }

  get roots(): readonly string[] {
    return [...this.#roots];
  }

  /**
   * The path, absolute and without links. It need not exist: then its nearest existing ancestor decides.
   * @throws UserError('invalid_input') for a path outside the granted folders
   */
  async check(path: string): Promise<string> {
    const wanted = isAbsolute(path) ? resolve(path) : resolve(this.roots[0] ?? '.', path);
    const real = await existingPart(wanted);
    const roots = await Promise.all(this.roots.map(existingPart));
    if (!roots.some((root) => real === root || real.startsWith(root.endsWith(sep) ? root : root + sep))) {
      throw new UserError('invalid_input', `${wanted} is outside the folders that Longhand may use.`, {
        hint: `Choose a place inside ${this.roots.join(' or ')}, or start Longhand with --allow FOLDER.`,
        place: { file: wanted },
      });
    }
    return real;
  }
}

/** The path with links of its existing part resolved. */
async function existingPart(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(await existingPart(parent), path.slice(parent.length).replaceAll(sep, ''));
  }
}
