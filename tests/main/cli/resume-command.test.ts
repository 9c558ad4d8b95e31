import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { resumeCommand, shellWord } from '../../../src/main/cli/resume-command.ts';

test('the command that goes on can be pasted', () => {
  expect(resumeCommand('train', 3, '/data/my-work')).toBe('longhand train --resume 3 --workspace /data/my-work');
  expect(resumeCommand('generate', 1, '/data/my work')).toBe(
    "longhand generate --resume 1 --workspace '/data/my work'",
  );
});

test.runIf(process.platform !== 'win32')('a shell reads the word back', () => {
  for (const text of ['a b', "it's", '$HOME', 'a"b', '`x`', 'ü', 'a\\b', '']) {
    expect(execFileSync('sh', ['-c', `printf %s ${shellWord(text)}`], { encoding: 'utf8' })).toBe(text);
  }
});
