import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import configuration from '../electron-builder.config.ts';

const icons = join(import.meta.dirname, '..', 'resources', 'icons');

test('the fuses leave Node to our own child processes alone and load nothing but our archive', () => {
  expect(configuration.electronFuses).toEqual({
    runAsNode: true, // the engine and the reader are started with it
    enableNodeOptionsEnvironmentVariable: false,
    enableNodeCliInspectArguments: false,
    onlyLoadAppFromAsar: true,
    enableCookieEncryption: true,
    enableEmbeddedAsarIntegrityValidation: true,
    grantFileProtocolExtraPrivileges: false,
    loadBrowserProcessSpecificV8Snapshot: false,
  });
  expect([configuration.asar, configuration.publish]).toEqual([true, null]);
});

test.each([16, 32, 48, 64, 128, 256, 512, 1024])('the icon of %d pixels has that size', (size) => {
  const png = readFileSync(join(icons, `${size}x${size}.png`));
  expect(png.subarray(1, 4).toString()).toBe('PNG');
  expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([size, size]);
});

test('the icons of Windows and macOS hold PNG files where their tables say', () => {
  const ico = readFileSync(join(icons, 'icon.ico'));
  const sizes = Array.from({ length: ico.readUInt16LE(4) }, (_, i) => {
    const at = ico.readUInt32LE(6 + 16 * i + 12);
    expect(ico.subarray(at + 1, at + 4).toString()).toBe('PNG');
    return ico.readUInt32BE(at + 16);
  });
  expect(sizes).toEqual([16, 32, 48, 64, 128, 256]);
  const icns = readFileSync(join(icons, 'icon.icns'));
  expect([icns.subarray(0, 4).toString(), icns.readUInt32BE(4)]).toEqual(['icns', icns.length]);
  let at = 8;
  while (at < icns.length) {
    expect(icns.subarray(at + 9, at + 12).toString()).toBe('PNG');
    at += icns.readUInt32BE(at + 4);
  }
  expect(at).toBe(icns.length);
});

test('the newest entry of the changelog is of the version in package.json', () => {
  const root = join(import.meta.dirname, '..');
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const [, newest] = /^## (\S+) - \d{4}-\d{2}-\d{2}$/m.exec(readFileSync(join(root, 'CHANGELOG.md'), 'utf8')) ?? [];
  expect(newest).toBe(version);
});
