import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import configuration from '../../electron-builder.config.ts';

const root = join(import.meta.dirname, '..', '..');

it('makes AppImage, deb, NSIS and dmg, from the built bundles', () => {
  expect(configuration).toMatchObject({
    linux: { target: ['AppImage', 'deb'] },
    win: { target: ['nsis'] },
    mac: { target: ['dmg'] },
  });
  const { main } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { main: string };
  expect(main).toBe('out/main/index.js');
  for (const system of ['linux', 'win', 'mac'] as const) expect(configuration[system]?.files).toContain('out/**');
});

it('leaves outside the archive what the system or ONNX Runtime opens by itself', () => {
  expect(configuration.asarUnpack).toEqual([
    '**/node_modules/onnxruntime-node/bin/**',
    '**/node_modules/better-sqlite3/**/*.node',
    'resources/demo/**',
  ]);
  expect(existsSync(join(root, 'node_modules', 'onnxruntime-node', 'bin'))).toBe(true);
});

it('the packaged program takes no code from its surroundings', () => {
  expect(configuration.electronFuses).toMatchObject({
    onlyLoadAppFromAsar: true,
    enableNodeOptionsEnvironmentVariable: false,
    enableNodeCliInspectArguments: false,
  });
});
