import { Command, Option } from 'commander';
import type { CudaReport } from '../../../shared/cuda-report.ts';
import { UserError } from '../../../shared/errors.ts';
import { selfTest } from '../../services/checks.ts';
import { cudaReport } from '../../services/cuda/report.ts';
import { EngineClient } from '../../services/engine-client.ts';
import { CheckFailed } from '../exit-codes.ts';
import { bytes } from '../format.ts';
import { invoke, withJson } from '../invocation.ts';
import type { SharedFlags } from '../invocation.ts';
import { facts, textTable } from '../text-table.ts';

/** `longhand doctor`. */
export function doctorCommand(): Command {
  return withJson(new Command('doctor'))
    .description('what this machine has for CUDA: driver, cards, memory, provider, libraries; and a self-test')
    .addOption(
      new Option('--device <device>', 'what to test (default: cuda where it can be used, else cpu)').choices([
        'cpu',
        'cuda',
      ]),
    )
    .option('--no-self-test', 'only look, compute nothing')
    .addHelpText('after', () =>
      [
        '',
        'Ends with code 7 where --device cuda was given and CUDA cannot be used, with 1 where the self-test fails.',
        '',
        'Examples:',
        '  longhand doctor',
        '  longhand doctor --device cuda --json',
      ].join('\n'),
    )
    .action((flags: SharedFlags & { readonly device?: 'cpu' | 'cuda'; readonly selfTest: boolean }) =>
      invoke(flags, async ({ signal, onProgress, note, print, json }) => {
        const cuda = await cudaReport();
        print(cudaText(cuda));
        const [problem] = cuda.problems;
        if (flags.device === 'cuda' && problem !== undefined) {
          await json({ cuda, selfTest: null });
          throw new UserError('unavailable', `CUDA cannot be used: ${problem.message}`, { hint: problem.hint });
        }
        if (!flags.selfTest) return json({ cuda, selfTest: null });
        const device = flags.device ?? (cuda.usable ? 'cuda' : 'cpu');
        const engine = new EngineClient();
        try {
          const report = await selfTest(engine, { device }, { signal, onProgress, onNotice: note });
          print(
            [
              '',
              `Self-test on ${device}:`,
              ...report.checks.map(
                ({ name, ok, detail, seconds }) =>
                  `${ok ? 'passed' : 'failed'} ${name}: ${detail}, ${seconds.toFixed(1)} s`,
              ),
            ].join('\n'),
          );
          await json({ cuda, selfTest: report });
          const failed = report.checks.filter(({ ok }) => !ok).map(({ name, detail }) => `${name}: ${detail}`);
          if (!report.ok) throw new CheckFailed(failed.join('; '));
        } finally {
          await engine.kill();
        }
      }),
    );
}

/** The report on CUDA for a person. */
export function cudaText({ usable, driver, cards, chosen, provider, folder, libraries, problems }: CudaReport): string {
  const status = { found: 'found', missing: 'missing', damaged: 'damaged', other_version: 'other version' } as const;
  const about = facts([
    ['CUDA', usable ? 'can be used' : 'cannot be used'],
    ['driver', driver === null ? 'none' : `${driver.version} (${driver.from})`],
    ...cards.map((card): [string, string] => [
      `card ${card.index}`,
      [
        `${card.name}${cards.length > 1 && card.uuid === chosen ? ' (chosen)' : ''}`,
        card.uuid,
        ...(card.computeCapability === null ? [] : [`compute capability ${card.computeCapability}`]),
        card.memoryTotal === null || card.memoryUsed === null
          ? 'memory unknown'
          : `${bytes(card.memoryUsed)} of ${bytes(card.memoryTotal)} in use`,
        ...card.processes.map(
          ({ pid, name, memory }) => `${name} (process ${pid}) ${memory === null ? '' : bytes(memory)}`,
        ),
      ].join(', '),
    ]),
    ['provider', `ONNX Runtime ${provider.installed ?? 'not installed'}, ${provider.wanted} is needed`],
    ['folder', folder],
  ]);
  return [
    about,
    ...(libraries.length === 0
      ? []
      : [
          '',
          textTable(
            [{ header: 'library' }, { header: 'state' }, { header: 'of' }, { header: 'where' }],
            libraries.map((library) => [library.file, status[library.status], library.from, library.path ?? '']),
          ),
        ]),
    ...problems.flatMap(({ message, hint }) => ['', `problem: ${message}`, `  what to do: ${hint}`]),
  ].join('\n');
}
