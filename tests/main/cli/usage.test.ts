import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exitCodes } from '../../../src/main/cli/exit-codes.ts';
import { importKindsText } from '../../../src/shared/import-kinds.ts';
import { schemaFlags } from '../../../src/shared/schema-fields.ts';
import { metrics } from '../../../src/shared/metrics.ts';
import { runConfigSchema } from '../../../src/shared/run-config.ts';
import { longhand, root } from './longhand.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'longhand-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('help', () => {
  test('lists the exit codes', async () => {
    const { code, stdout, stderr } = await longhand(['--help']);
    expect([code, stderr]).toEqual([0, '']);
    for (const row of exitCodes) expect(stdout).toMatch(new RegExp(`\\n +${row.code}  ${row.meaning.slice(0, 10)}`));
  });

  test('the README has the same table of exit codes', () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    for (const { code, meaning } of exitCodes) expect(readme).toContain(`| ${code} | ${meaning} |`);
  });

  test('train lists a flag for every field of the run configuration', async () => {
    const { code, stdout } = await longhand(['train', '--help']);
    expect(code).toBe(0);
    for (const { name } of schemaFlags(runConfigSchema)) expect(stdout).toContain(`  ${name} <`);
    expect(stdout).not.toMatch(/undefined|\[object/);
  });

  test('import lists every kind of file, in the README too', async () => {
    const { stdout } = await longhand(['import', '--help']);
    const words = (text: string): string => text.replaceAll(/\s+/g, ' ');
    expect(words(stdout)).toContain(importKindsText());
    expect(stdout).toContain('--tree <mode>');
    expect(words(readFileSync(join(root, 'README.md'), 'utf8'))).toContain(importKindsText());
  });

  test('runs metrics lists every metric with its unit', async () => {
    const { stdout } = await longhand(['runs', 'metrics', '--help']);
    for (const name of Object.keys(metrics)) expect(stdout).toContain(`  ${name}`);
  });

  const commands = [
    'demo',
    'model inspect',
    'import',
    'generate',
    'train',
    'evaluate',
    'golden',
    'self-test',
    'plan',
    'doctor',
    'runs list',
    ...['bundle export', 'bundle open', 'bundle verdicts', 'bundle import'],
  ];
  test.concurrent.each([...commands, 'runs show', 'runs metrics', 'export adapter', 'export merged', 'export pairs'])(
    '%s has examples and --json',
    async (command) => {
      const { code, stdout } = await longhand([...command.split(' '), '--help']);
      expect(code).toBe(0);
      expect(stdout).toContain('--json [file]');
      expect(stdout).toMatch(new RegExp(`Examples:\n  longhand ${command}`));
      expect(stdout).not.toMatch(/[^\P{Cc}\n]/u);
    },
  );
});

describe('wrong usage ends with its code and says what to do', () => {
  test.concurrent.each([
    [['trian'], 2, "error: unknown command 'trian'\n  what to do: Did you mean train? Or see longhand --help\n"],
    [
      ['train', '--bta', '1'],
      2,
      "error: unknown option '--bta'\n  what to do: Did you mean --beta? Or see longhand train --help\n",
    ],
    [['train', '--beta', 'x'], 2, '--beta <x>'],
    [['train', '--model', 'm', '--beta', '-1'], 2, 'error: --beta -1: must be more than 0'],
    [['train', '--objective', 'ppo'], 2, 'It must be longpo, dpo, sft, simpo, orpo, solopo, opsdl.'],
    [['train'], 2, 'error: --model is missing.\n  what to do: '],
    [['train', '--resume', '1', '--beta', '0.1'], 2, '--beta has no meaning with --resume.'],
    [['train', '--resume', '1', '--generation', '1'], 2, '--generation has no meaning with --resume.'],
    [['train', '--model', 'm', '--config', 'missing.json'], 3, 'missing.json does not exist'],
    [['evaluate', '--model', 'm'], 2, 'Nothing to measure on is given.'],
    [['evaluate', '--checkpoint', '1', '--kl'], 2, '--checkpoint needs --run.'],
    [['import'], 2, "missing required argument 'paths'"],
    [['import', 'no-such-file.txt'], 3, 'no-such-file.txt'],
    [['runs', 'list', '--workspace', 'nowhere'], 3, 'nowhere does not exist'],
    [['runs', 'show', 'one'], 2, 'It must be a whole number of at least 1.'],
    [['runs', 'metrics', '1', '--chart', 'los'], 2, 'There is no such metric'],
    [['export'], 2, 'a command is missing'],
    [['model', 'inspect', 'no-such-folder'], 3, 'no-such-folder'],
  ])('%j: %d', async (args, code, message) => {
    const ended = await longhand(args, { cwd: folder });
    expect(ended.stderr).toContain(message);
    expect(ended.stderr).toMatch(/(^|\n)error: /);
    expect(ended.stderr).not.toMatch(/\n {4}at /);
    expect([ended.code, ended.stdout]).toEqual([code, '']);
  });

  test('a file of settings is named with its field', async () => {
    const file = join(folder, 'config.json');
    writeFileSync(file, JSON.stringify({ optimizer: { beta1: 2 } }));
    const { code, stderr } = await longhand(['train', '--model', 'm', '--config', 'config.json'], { cwd: folder });
    expect(stderr).toContain('config.json: Run configuration, field optimizer.beta1: ');
    writeFileSync(file, '{');
    const broken = await longhand(['train', '--model', 'm', '--config', 'config.json'], { cwd: folder });
    expect(broken.stderr).toContain('config.json is no valid JSON');
    expect([code, broken.code]).toEqual([2, 2]);
  });
});

test.runIf(existsSync('/dev/full'))('a full disk behind standard output ends with its code, without a stack', () => {
  const shell = ['-c', '"$0" "$1" --help > /dev/full', process.execPath, join(root, 'bin', 'longhand.mjs')];
  const { status, stderr } = spawnSync('sh', shell, { encoding: 'utf8' });
  expect(stderr).toBe('error: The report could not be written: the disk is full.\n');
  expect(status).toBe(6);
});

describe('the workspace', () => {
  test('is the one that is named, else that of the environment, else the default', async () => {
    const elsewhere = join(folder, 'elsewhere');
    const cases = [
      {
        args: ['--workspace', 'named'],
        env: { LONGHAND_WORKSPACE: elsewhere },
        says: `Workspace: ${join(folder, 'named')}\n`,
      },
      { args: [], env: { LONGHAND_WORKSPACE: elsewhere }, says: `Workspace: ${elsewhere} (LONGHAND_WORKSPACE)\n` },
      { args: [], env: {}, says: `Workspace: ${join(folder, 'longhand-workspace')} (default)\n` },
    ];
    for (const { args, env, says } of cases) {
      const { code, stderr } = await longhand(['runs', ...args], { cwd: folder, env });
      expect(stderr).toContain(says);
      expect(code).toBe(3);
    }
  });

  test('a folder of something else is a conflict', async () => {
    writeFileSync(join(folder, 'text.txt'), 'A text.\n');
    const { code, stderr } = await longhand(['import', 'text.txt', '--workspace', '.'], { cwd: folder });
    expect(stderr).toContain('holds other files');
    expect(code).toBe(5);
  });

  test('is not left behind by an import that failed; a folder that was there stays', async () => {
    mkdirSync(join(folder, 'there'));
    writeFileSync(join(folder, 'broken.jsonl'), '{"text": ');
    writeFileSync(join(folder, 'picture.png'), 'x');
    for (const [file, workspace] of [
      ['broken.jsonl', 'new-1'],
      ['picture.png', 'new-2'],
      ['broken.jsonl', 'there'],
    ] as const) {
      const { code } = await longhand(['import', file, '--workspace', workspace], { cwd: folder });
      expect([file, [2, 4].includes(code ?? 0)]).toEqual([file, true]);
    }
    expect([existsSync(join(folder, 'new-1')), existsSync(join(folder, 'new-2'))]).toEqual([false, false]);
    expect(readdirSync(join(folder, 'there'))).toEqual([]);
  });

  test('stays with its documents where only the report could not be written', async () => {
    writeFileSync(join(folder, 'good.txt'), 'The harbour was closed.');
    const failed = await longhand(['import', 'good.txt', '--workspace', 'kept', '--json=no/such/folder.json'], {
      cwd: folder,
    });
    expect(failed.code).not.toBe(0);
    const again = await longhand(['import', 'good.txt', '--workspace', 'kept'], { cwd: folder });
    expect(again.stdout).toContain('0 documents imported, 1 duplicate');
  });

  test('is not made for files that are not there', async () => {
    await longhand(['import', 'no-such-file.txt', '--workspace', 'unused'], { cwd: folder });
    expect(existsSync(join(folder, 'unused'))).toBe(false);
  });
});
