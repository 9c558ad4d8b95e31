import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { CaseReport } from '../../../../src/main/engine/golden/report.ts';
import { runGolden } from '../../../../src/main/engine/golden/run-golden.ts';

const FIXTURES = path.join(import.meta.dirname, '../../../fixtures');
export const GOLDEN = path.join(FIXTURES, 'golden');
export const VARIANTS = path.join(FIXTURES, 'golden-variants');

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A golden root with one case copied, to be damaged; models and adapters are links to the fixtures'. */
export class CaseCopy {
  readonly root = mkdtempSync(path.join(tmpdir(), 'longhand-golden-'));
  readonly name: string;
  readonly folder: string;

  constructor(name: string, source = GOLDEN) {
    this.name = name;
    this.folder = path.join(this.root, name);
    mkdirSync(path.dirname(this.folder), { recursive: true });
    cpSync(path.join(source, name), this.folder, { recursive: true });
    for (const shared of ['models', 'adapters']) symlinkSync(path.join(source, shared), path.join(this.root, shared));
  }

  json<T extends Json>(file: string, change: (value: T) => void): this {
    const at = path.join(this.folder, file);
    const value = JSON.parse(readFileSync(at, 'utf8')) as T;
    change(value);
    writeFileSync(at, JSON.stringify(value));
    return this;
  }

  /** Changes the float32 elements of the tensors: called with each tensor's name and elements. */
  tensors(change: (name: string, data: Float32Array) => void): this {
    const at = path.join(this.folder, 'tensors.safetensors');
    const bytes = readFileSync(at);
    const start = 8 + Number(bytes.readBigUInt64LE(0));
    const header = JSON.parse(bytes.toString('utf8', 8, start)) as Record<string, { data_offsets?: [number, number] }>;
    for (const [name, { data_offsets: offsets }] of Object.entries(header)) {
      if (offsets === undefined) continue;
      const part = bytes.subarray(start + offsets[0], start + offsets[1]);
      const data = new Float32Array(Uint8Array.from(part).buffer);
      change(name, data);
      part.set(new Uint8Array(data.buffer));
    }
    writeFileSync(at, bytes);
    return this;
  }

  remove(file: string): this {
    rmSync(path.join(this.folder, file));
    return this;
  }

  write(file: string, text: string): this {
    writeFileSync(path.join(this.folder, file), text);
    return this;
  }

  /** Runs the case, and deletes the copy. */
  async run(): Promise<CaseReport> {
    try {
      const { cases } = await runGolden([this.root], { threads: 2 });
      const [report] = cases;
      if (report === undefined || cases.length !== 1) throw new Error(`${cases.length} cases in a copy of one`);
      return report;
    } finally {
      rmSync(this.root, { recursive: true });
    }
  }
}

/** Names of the quantities that failed. */
export function failedNames({ quantities }: CaseReport): string[] {
  return quantities.filter(({ ok }) => !ok).map(({ name }) => name);
}
