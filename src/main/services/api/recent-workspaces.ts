import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { RecentWorkspace } from '../../../shared/api/workspaces.ts';
import { writeFileAtomic } from '../../files/atomic-write.ts';

const schema = z.array(z.strictObject({ folder: z.string(), openedAt: z.int() }));
const most = 12;

/** The workspaces that were open lately, in a small file of the user's. A damaged file counts as empty. */
export class RecentWorkspaces {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  list(): RecentWorkspace[] {
    return this.#read().map((entry) => ({ ...entry, exists: existsSync(entry.folder) }));
  }

  async add(folder: string): Promise<void> {
    const others = this.#read().filter((entry) => entry.folder !== folder);
    const entries = [{ folder, openedAt: Date.now() }, ...others].slice(0, most);
    await mkdir(dirname(this.#file), { recursive: true });
    await writeFileAtomic(this.#file, JSON.stringify(entries, null, 1));
  }

  #read(): z.infer<typeof schema> {
    try {
      return schema.parse(JSON.parse(readFileSync(this.#file, 'utf8')));
    } catch {
      return [];
    }
  }
}
