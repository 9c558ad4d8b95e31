import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { UserError } from '../../../shared/errors.ts';
import { writeFileAtomic } from '../../files/atomic-write.ts';

const schema = z.record(z.string(), z.json());
type Values = z.infer<typeof schema>;

/** Longest file of settings, in bytes: a window must not be able to fill the disk. */
const maxBytes = 1024 * 1024;

/**
 * What a person set up on this computer, in a small JSON file of theirs. It lies with main and not in the browser: the
 * loopback host has another port, and so another browser storage, at each start. A damaged file counts as empty.
 */
export class UserSettings {
  readonly #file: string;
  #values: Values | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(file: string) {
    this.#file = file;
  }

  all(): Readonly<Values> {
    return (this.#values ??= this.#read());
  }

  /** Sets one value and answers once it is on the disk. Errors: `invalid_input` where it gets too large, those of writing. */
  async set(key: string, value: Values[string]): Promise<void> {
    const next = { ...this.all(), [key]: value };
    const text = JSON.stringify(next, null, 1);
    if (Buffer.byteLength(text) > maxBytes) {
      throw new UserError('invalid_input', `The setting "${key}" is too large to be kept.`, { place: { field: key } });
    }
    this.#values = next;
    const write = this.#writing.then(async () => {
      await mkdir(dirname(this.#file), { recursive: true });
      await writeFileAtomic(this.#file, text);
    });
    this.#writing = write.catch(() => undefined);
    await write;
  }

  #read(): Values {
    try {
      return schema.parse(JSON.parse(readFileSync(this.#file, 'utf8')));
    } catch {
      return {};
    }
  }
}
