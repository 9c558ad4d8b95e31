import { execFile, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildIfStale } from '../../scripts/start.ts';
import { longhand, root } from './cli/longhand.ts';

const demo = join(root, 'resources', 'demo');
const model = join(demo, 'base-model');
const hook = new URL('loopback-only.ts', import.meta.url).href;

let folder = '';
let env: Record<string, string> = {};
const log = (): string[] => readFileSync(join(folder, 'network.log'), 'utf8').trim().split('\n');
const noted = (start: string): string[] => log().filter((line) => line.startsWith(start));

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'longhand-network-'));
  mkdirSync(join(folder, 'home'));
  env = {
    NODE_OPTIONS: `--import=${hook}`,
    LONGHAND_NETWORK_LOG: join(folder, 'network.log'),
    // Where ONNX Runtime would keep the queue of its telemetry, which must be off without the person's doing.
    ...{
      HOME: join(folder, 'home'),
      XDG_CACHE_HOME: '',
      ORT_DISABLE_TELEMETRY: '',
      CI: '',
      GITHUB_ACTIONS: '',
      TF_BUILD: '',
    },
  };
  mkdirSync(join(folder, 'documents'));
  copyFileSync(join(demo, 'documents', 'train', 'harbour-001.txt'), join(folder, 'documents', 'harbour.txt'));
  writeFileSync(
    join(folder, 'documents', 'page.html'),
    '<link rel=stylesheet href=https://foreign.example/a.css><img src=https://foreign.example/a.png><p>The pier.</p>',
  );
  const [question = ''] = readFileSync(join(demo, 'documents', 'eval', 'short.jsonl'), 'utf8').split('\n');
  writeFileSync(join(folder, 'questions.jsonl'), question);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the guard of these tests', () => {
  test.each([
    `require('node:net').connect(443, '192.0.2.1')`,
    `require('node:net').connect({ port: 443, host: 'foreign.example' })`,
    `require('node:http').get('http://192.0.2.1/')`,
    `require('node:https').get('https://foreign.example/')`,
    `fetch('https://192.0.2.1/')`,
    `require('node:dns').lookup('foreign.example', () => {})`,
    `require('node:dns').promises.resolve4('foreign.example')`,
    `require('node:dgram').createSocket('udp4')`,
    `require('node:net').createServer().listen(0)`,
  ])('sees %s', async (code) => {
    const own = { ...process.env, ...env, LONGHAND_NETWORK_LOG: join(folder, 'guard.log') };
    writeFileSync(own.LONGHAND_NETWORK_LOG, '');
    await promisify(execFile)(process.execPath, ['--eval', code], { env: own, timeout: 20_000 }).catch(() => undefined);
    expect(readFileSync(own.LONGHAND_NETWORK_LOG, 'utf8')).toMatch(/^refused /m);
  });
});

test('import, generate, train, evaluate and export use no network, in main, engine and reader', async () => {
  const settings = ['--preset', 'demo', '--batch-size', '1', '--lora-rank', '4', '--threads', '1', '--max-steps', '2'];
  for (const args of [
    ['import', 'documents'],
    ['model', 'inspect', model],
    ['generate', '--model', model, '--preset', 'demo', '--threads', '1'],
    ['train', '--model', model, ...settings],
    ['evaluate', '--run', '1', '--questions', 'questions.jsonl', '--threads', '1'],
    ['export', 'adapter', '1', 'adapter'],
  ]) {
    const { code, stderr } = await longhand(args, { cwd: folder, env });
    expect([args[0], code, stderr.match(/^error.*/gm)]).toEqual([args[0], 0, null]);
  }
  for (const entry of ['main/cli.ts', 'engine/process.ts', 'importers/reader-process.ts']) {
    expect([entry, noted('loaded ').some((line) => line.endsWith(entry))]).toEqual([entry, true]);
  }
  expect(noted('refused ')).toEqual([]);
  expect(noted('listen ')).toEqual([]);
  expect(readdirSync(join(folder, 'home'))).toEqual([]);
}, 120_000);

test('the loopback host listens on 127.0.0.1 alone and calls nobody', async () => {
  expect(await buildIfStale()).toBe(0); // it serves the built window
  const host = spawn(
    process.execPath,
    [join(root, 'src', 'main', 'shell', 'loopback', 'main.ts'), '--workspace', join(folder, 'longhand-workspace')],
    { env: { ...process.env, ...env, LONGHAND_SETTINGS: join(folder, 'settings') }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const errors = text(host.stderr);
  let output = '';
  for await (const part of host.stdout) {
    output += String(part);
    if (output.includes('http:')) break;
  }
  host.kill('SIGTERM');
  expect(await errors).toBe('');
  expect(output).toMatch(/http:\/\/127\.0\.0\.1:\d+\/\?token=/);
  expect(noted('listen ')).toEqual(['listen 127.0.0.1']);
  expect(noted('refused ')).toEqual([]);
}, 60_000);
