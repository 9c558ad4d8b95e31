import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packWithoutRuntime, packedFiles, sizeTable, unpackTo } from '../../scripts/package-sizes.ts';
import type { PackedFile } from '../../scripts/package-sizes.ts';
import { buildIfStale } from '../../scripts/start.ts';

const run = promisify(execFile);
const architecture = process.arch === 'arm64' ? 'arm64' : 'x64';

describe.skipIf(process.platform !== 'linux')('what electron-builder packs', { timeout: 120_000 }, () => {
  let folder = '';
  let files: readonly PackedFile[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'longhand packed '));
    expect(await buildIfStale()).toBe(0);
    files = packedFiles(await packWithoutRuntime(folder, 'linux', architecture));
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('is the bundles, the demo, the packages and their licences; no sources, scripts or maps', () => {
    const tops = new Set(
      files.map(({ path }) =>
        path
          .split('/')
          .slice(0, path.startsWith('node_modules/') ? 1 : 2)
          .join('/'),
      ),
    );
    expect([...tops].toSorted()).toEqual([
      ...[
        'LICENSE',
        'node_modules',
        'out/main',
        'out/preload',
        'out/renderer',
        'out/third-party-notices.json',
        'out/third-party-notices.txt',
        'package.json',
        'resources/demo',
        'resources/evaluation',
      ],
    ]);
    expect(files.filter(({ path }) => /\.(map|cpp|py)$/.test(path)).map(({ path }) => path)).toEqual([]);
  });

  it('has native libraries of its own system alone, all outside the archive', () => {
    const native = files.filter(({ path }) => /\.(node|so[.\d]*|dll|dylib|exe)$/.test(path));
    expect(native.map(({ path }) => path).toSorted()).toEqual([
      `node_modules/better-sqlite3/prebuilds/linux-${architecture}.node`,
      `node_modules/onnxruntime-node/bin/napi-v6/linux/${architecture}/libonnxruntime.so.1`,
      `node_modules/onnxruntime-node/bin/napi-v6/linux/${architecture}/onnxruntime_binding.node`,
    ]);
    expect(native.every(({ unpacked }) => unpacked)).toBe(true);
  });

  it('stays below 90 MB without the runtime, and the table counts every byte once', () => {
    const total = files.reduce((sum, { size }) => sum + size, 0);
    expect(total).toBeLessThan(90e6);
    const rows = sizeTable(files);
    expect(rows.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(total);
    expect(rows.reduce((sum, row) => sum + row.files, 0)).toBe(files.length);
    expect(rows[0]?.part).toBe('node_modules/onnxruntime-node');
  });

  it('is complete: every package that the bundles name loads from it, a store opens, ONNX Runtime has its provider', async () => {
    const app = join(folder, 'app');
    unpackTo(app, files);
    const bundles = files.filter(({ path }) => /^out\/main\/.*\.js$/.test(path)).map(({ read }) => read().toString());
    const imported = bundles.flatMap((text) =>
      [...text.matchAll(/^import .*?["']([^"'.][^"']*)["'];?$/gm)].map(([, name]) => name),
    );
    const packages = [...new Set(imported)].filter(
      (name) => name !== 'electron' && name?.startsWith('node:') === false,
    );
    expect(packages.length).toBeGreaterThan(8);
    const code = `
      for (const name of ${JSON.stringify(packages)}) await import(name);
      const { default: Database } = await import('better-sqlite3');
      const { listSupportedBackends } = await import('onnxruntime-node');
      console.log(JSON.stringify([new Database(':memory:').pragma('user_version', { simple: true }), listSupportedBackends().map(({ name }) => name).includes('cpu')]));`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', code], { cwd: app });
    expect(JSON.parse(stdout)).toEqual([0, true]);
  });
});
