import { Command } from 'commander';
import { selfTest } from '../../services/checks.ts';
import { EngineClient } from '../../services/engine-client.ts';
import { CheckFailed } from '../exit-codes.ts';
import { execution, invoke, withExecution, withJson } from '../invocation.ts';
import type { ExecutionFlags, SharedFlags } from '../invocation.ts';
import { facts } from '../text-table.ts';

/** `longhand self-test`. */
export function selfTestCommand(): Command {
  return withJson(withExecution(new Command('self-test')))
    .description('whether this machine computes as it should: device, versions, a small gradient')
    .addHelpText('after', '\nExamples:\n  longhand self-test\n  longhand self-test --device cuda --json')
    .action((flags: SharedFlags & ExecutionFlags) =>
      invoke(flags, async ({ signal, onProgress, note, print, json }) => {
        const engine = new EngineClient();
        try {
          const report = await selfTest(engine, execution(flags), { signal, onProgress, onNotice: note });
          const lines = report.checks.map(
            ({ name, ok, detail, seconds }) =>
              `${ok ? 'passed' : 'failed'} ${name}: ${detail}, ${seconds.toFixed(1)} s`,
          );
          print([facts([['device', report.device], ...Object.entries(report.versions)]), ...lines].join('\n'));
          await json(report);
          const failed = report.checks.filter(({ ok }) => !ok).map(({ name, detail }) => `${name}: ${detail}`);
          if (!report.ok) throw new CheckFailed(failed.join('; '));
        } finally {
          await engine.kill();
        }
      }),
    );
}
