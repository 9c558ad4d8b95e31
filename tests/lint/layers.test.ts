import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ESLint } from 'eslint';
import { describe, expect, it } from 'vitest';
import { layerOf, layers, packageHomes } from '../../lint/layers.ts';

const root = join(import.meta.dirname, '../..');

// The repository's own configuration, less the rules that need the file to exist for the type checker.
const eslint = new ESLint({
  cwd: root,
  overrideConfig: { languageOptions: { parserOptions: { projectService: false, project: false } } },
  ruleFilter: ({ ruleId }) => ruleId.startsWith('longhand/') || ruleId === 'no-restricted-syntax',
});

/** What the linter says about a file with this text at this path, one message a line. */
async function messages(path: string, text: string): Promise<string> {
  const results = await eslint.lintText(text, { filePath: join(root, path) });
  return results.flatMap((result) => result.messages.map((message) => message.message)).join('\n');
}

describe('the layers of src', () => {
  it.each([
    ['src/main/engine/onnx/a.ts', `import '../model/config.ts';`],
    ['src/main/engine/model/a.ts', `import '../training/trainer.ts';`],
    ['src/main/engine/model/a.ts', `import '../text/tokenizer.ts';`],
    ['src/main/engine/text/a.ts', `import '../model/config.ts';`],
    ['src/main/engine/text/a.ts', `import '../onnx/graph.ts';`],
    ['src/main/engine/training/a.ts', `import '../generation/decode.ts';`],
    ['src/main/engine/training/a.ts', `import '../resident/session.ts';`],
    ['src/main/engine/evaluation/a.ts', `import '../synthesis/pairs.ts';`],
    ['src/main/engine/resident/a.ts', `import '../jobs/train.ts';`],
    ['src/main/engine/training/a.ts', `import '../../workspace/runs.ts';`],
    ['src/main/engine/training/deep/a.ts', `import '../../../services/runs.ts';`],
    ['src/main/engine/process.ts', `import '../shell/window.ts';`],
    ['src/main/engine/process.ts', `import { app } from 'electron';`],
    ['src/main/engine/onnx/a.ts', `import Database from 'better-sqlite3';`],
    ['src/main/services/a.ts', `import '../engine/training/trainer.ts';`],
    ['src/main/services/a.ts', `import '../shell/window.ts';`],
    ['src/main/workspace/a.ts', `import '../services/runs.ts';`],
    ['src/main/files/a.ts', `import '../workspace/runs.ts';`],
    ['src/main/shell/a.ts', `import '../workspace/runs.ts';`],
    ['src/renderer/a.ts', `import '../main/services/runs.ts';`],
    ['src/renderer/a.ts', `import 'node:fs';`],
    ['src/renderer/a.ts', `import { ipcRenderer } from 'electron';`],
    ['src/preload/a.ts', `import '../main/services/runs.ts';`],
    ['src/preload/a.ts', `import 'commander';`],
    ['src/shared/a.ts', `import '../main/files/atomic-write.ts';`],
    ['src/shared/a.ts', `import 'commander';`],
    ['src/shared/a.ts', `import 'node:path';`],
    ['src/main/services/a.ts', `import '../../../tests/fixtures/x.ts';`],
    ['src/main/services/a.ts', `import '/somewhere/x.ts';`],
    // Every way to import counts.
    ['src/main/engine/model/a.ts', `import type { T } from '../training/trainer.ts';`],
    ['src/main/engine/model/a.ts', `export type A = import('../training/trainer.ts').T;`],
    ['src/main/engine/model/a.ts', `await import('../training/trainer.ts');`],
    ['src/main/engine/model/a.ts', `export { t } from '../training/trainer.ts';`],
  ])('%s must not say %s', async (path, text) => {
    expect(await messages(path, text)).toContain('Forbidden import');
  });

  it.each([
    ['src/main/engine/model/a.ts', `import '../onnx/graph.ts'; import './config.ts'; import 'zod';`],
    ['src/main/engine/onnx/a.ts', `import 'node:fs'; import 'onnxruntime-node'; import '../../files/atomic-write.ts';`],
    ['src/main/engine/training/a.ts', `import '../model/runner.ts'; import '../../../shared/errors.ts';`],
    ['src/main/engine/resident/a.ts', `import '../training/graph.ts'; import '../generation/graph.ts';`],
    ['src/main/engine/process.ts', `import './jobs/train.ts'; import './training/trainer.ts';`],
    ['src/main/engine/jobs/a.ts', `import '../resident/session.ts'; import '../synthesis/pairs.ts';`],
    ['src/main/services/a.ts', `import '../workspace/runs.ts'; import '../engine/protocol.ts';`],
    ['src/main/workspace/a.ts', `import Database from 'better-sqlite3';`],
    ['src/main/index.ts', `import { app } from 'electron'; import './shell/window.ts';`],
    ['src/renderer/a.ts', `import '../shared/contract.ts'; import 'react';`],
    ['src/preload/a.ts', `import '../shared/contract.ts'; import { contextBridge } from 'electron';`],
    ['src/shared/a.ts', `import { z } from 'zod'; import './errors.ts';`],
    ['tests/main/a.test.ts', `import '../../src/main/services/runs.ts'; import '../../src/main/shell/window.ts';`],
  ])('%s may say %s', async (path, text) => {
    expect(await messages(path, text)).toBe('');
  });

  it('refuses a file of src that has no layer', async () => {
    expect(await messages('src/main/elsewhere/a.ts', 'export const a = 1;')).toContain('has no layer');
    expect(await messages('src/main/engine/loose.ts', 'export const a = 1;')).toContain('has no layer');
  });

  it('knows every file of src', () => {
    const files = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
    expect(files.length).toBeGreaterThan(0);
    expect(files.filter((file) => layerOf(file.replaceAll('\\', '/')) === undefined)).toEqual([]);
  });

  it('names only layers that exist, and has no cycle', () => {
    for (const layer of Object.values(layers)) {
      for (const name of layer.imports) expect(layers).toHaveProperty([name]);
    }
    for (const name of Object.values(packageHomes).flat()) expect(layers).toHaveProperty([name]);
    const visit = (name: string, above: readonly string[]): void => {
      expect(above, `cycle at ${name}`).not.toContain(name);
      for (const next of layers[name]?.imports ?? []) visit(next, [...above, name]);
    };
    for (const name of Object.keys(layers)) visit(name, []);
  });
});

describe('names and forms', () => {
  it.each([
    ['src/shared/utils.ts', 'export const a = 1;', 'names no subject'],
    ['src/renderer/helpers/chart.ts', 'export const a = 1;', 'names no subject'],
    ['tests/util.ts', 'export const a = 1;', 'names no subject'],
    ['src/shared/index.ts', `export * from './errors.ts';`, 'No barrel files'],
    ['src/shared/a.ts', `export { UserError } from './errors.ts';`, 'No barrel files'],
    ['src/shared/a.ts', 'enum A { b }', 'union of string literals'],
    ['tests/a.test.ts', 'namespace A { export const b = 1; }', 'Use modules'],
  ])('refuses %s with %s', async (path, text, message) => {
    expect(await messages(path, text)).toContain(message);
  });
});
