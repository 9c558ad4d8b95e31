import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, it, test } from 'vitest';
import configuration from '../../electron-builder.config.ts';
import { publisherFrom, publisherProblem } from '../../scripts/publisher.ts';

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

it("fits electron-builder's own schema, for all systems and targets; what does not is found", async () => {
  const check = async (candidate: unknown): Promise<void> => {
    const config = createRequire(createRequire(import.meta.url).resolve('electron-builder')).resolve('app-builder-lib');
    const { validateConfiguration } = (await import(join(dirname(config), 'util', 'config', 'config.js'))) as {
      validateConfiguration: (candidate: unknown, log: { isEnabled: boolean; add: () => void }) => Promise<void>;
    };
    await validateConfiguration(candidate, { isEnabled: false, add: () => undefined });
  };
  await check(configuration);
  await expect(check({ ...configuration, deb: { depend: [] } })).rejects.toThrow(/configuration\.deb/);
  await expect(check({ ...configuration, nsis: { oneClick: 'no' } })).rejects.toThrow(/configuration\.nsis/);
});

const whom = { homepage: 'https://example.org', maintainer: 'Ann Example <ann@example.org>' };
test.each([
  ['all is named', ['--linux'], whom, 'linux', undefined],
  ['nothing is named', ['--linux'], {}, 'linux', /LONGHAND_HOMEPAGE=.* and LONGHAND_MAINTAINER=/],
  ['no mail address', ['--linux', 'deb'], { ...whom, maintainer: 'Ann' }, 'linux', /set LONGHAND_MAINTAINER=/],
  ['no address', ['-l', 'AppImage', 'deb:arm64'], { ...whom, homepage: 'example' }, 'darwin', /set LONGHAND_HOMEPAGE=/],
  ['an AppImage alone', ['--linux', 'AppImage', '--arm64'], {}, 'linux', undefined],
  ['a folder', ['--linux', '--dir'], {}, 'linux', undefined],
  ['Windows', ['--win'], {}, 'linux', undefined],
  ["this system's own", [], {}, 'linux', /LONGHAND_HOMEPAGE/],
  ["this system's own, macOS", [], {}, 'darwin', undefined],
] as const)('a deb: %s', (_, args, named, system, problem) => {
  const publisher = publisherFrom({
    LONGHAND_HOMEPAGE: 'homepage' in named ? named.homepage : ' ',
    LONGHAND_MAINTAINER: 'maintainer' in named ? named.maintainer : undefined,
  });
  const found = publisherProblem(args, publisher, system);
  if (problem === undefined) expect(found).toBeUndefined();
  else expect(found).toMatch(problem);
});

it('whom it names comes from whoever packages it', () => {
  expect(publisherFrom({})).toEqual({ homepage: undefined, maintainer: undefined });
  expect(configuration.linux).not.toHaveProperty('maintainer');
});

/** Names of the libraries in a table of a Windows DLL (PE format): 1 = loaded with it, 13 = loaded at the first call. */
function importsOf(file: string, table: 1 | 13): string[] {
  const bytes = readFileSync(file);
  const header = bytes.readUInt32LE(0x3c);
  const sections = header + 24 + bytes.readUInt16LE(header + 20);
  const at = (address: number): number => {
    for (let i = 0; i < bytes.readUInt16LE(header + 6); i++) {
      const [size, start, raw] = [8, 12, 20].map((field) => bytes.readUInt32LE(sections + 40 * i + field));
      if (size !== undefined && start !== undefined && raw !== undefined && address >= start && address < start + size)
        return raw + address - start;
    }
    throw new Error(`${file}: no section holds ${address}`);
  };
  const [width, name] = table === 1 ? [20, 12] : [32, 4];
  const names: string[] = [];
  for (let entry = at(bytes.readUInt32LE(header + 24 + 112 + 8 * table)); ; entry += width) {
    const address = bytes.readUInt32LE(entry + name);
    if (address === 0) return names;
    const start = at(address);
    names.push(bytes.toString('latin1', start, bytes.indexOf(0, start)).toLowerCase());
  }
}

it('on Windows ONNX Runtime starts without the libraries that are left out, and cannot speak to the network', () => {
  const file = join(root, 'node_modules', 'onnxruntime-node', 'bin', 'napi-v6', 'win32', 'x64', 'onnxruntime.dll');
  const [first, later] = [importsOf(file, 1), importsOf(file, 13)];
  expect(later).toContain('directml.dll');
  expect(first.filter((name) => /directml|dxc|dxil/.test(name))).toEqual([]);
  // Its telemetry goes to the system's event tracing (docs/security.md); no library for sockets or HTTP is named in it.
  expect(first).toContain('api-ms-win-eventing-provider-l1-1-0.dll');
  expect([...first, ...later].filter((name) => /ws2_32|winhttp|wininet|urlmon|websocket/.test(name))).toEqual([]);
  expect(readFileSync(file).includes('ORT_DISABLE_TELEMETRY')).toBe(false);
});
