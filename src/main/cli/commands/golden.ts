import { Command } from 'commander';
import { runGolden } from '../../services/checks.ts';
import { EngineClient } from '../../services/engine-client.ts';
import { CheckFailed } from '../exit-codes.ts';
import { counted } from '../format.ts';
import { execution, invoke, withExecution, withJson } from '../invocation.ts';
import type { ExecutionFlags, SharedFlags } from '../invocation.ts';

type GoldenCase = Awaited<ReturnType<typeof runGolden>>['cases'][number];
type Quantity = GoldenCase['quantities'][number];

interface GoldenFlags extends SharedFlags, ExecutionFlags {
  readonly smollm2?: string;
}

/** `longhand golden DIR...`. */
export function goldenCommand(): Command {
  return withJson(withExecution(new Command('golden')))
    .description('compare the engine with golden values: losses, gradients, optimizer steps, logits, generation')
    .argument('<dirs...>', 'folders of cases, or folders that hold such folders')
    .option('--smollm2 <dir>', 'Hugging Face folder of SmolLM2-135M-Instruct, for its case (skipped without)')
    .addHelpText(
      'after',
      `
One line a case. Ends with code 1 where a quantity is off, naming case and quantity.

Examples:
  longhand golden tests/fixtures/golden
  longhand golden tests/fixtures/golden/longpo/llama-full --json golden.json`,
    )
    .action((dirs: string[], flags: GoldenFlags) =>
      invoke(flags, async ({ signal, onProgress, note, print, json }) => {
        const engine = new EngineClient();
        try {
          const result = await runGolden(engine, dirs, {
            ...{ signal, onProgress, onNotice: note, execution: execution(flags) },
            ...(flags.smollm2 === undefined ? {} : { realModelDir: flags.smollm2 }),
            onCase: (report) => {
              print(caseLine(report));
              for (const warning of report.warnings) note(`warning: ${report.name}: ${warning}`);
            },
          });
          const { cases, passed, failed, skipped } = result;
          print(`${counted(passed, 'case')} passed, ${failed} failed, ${skipped} skipped`);
          await json(result);
          if (failed > 0) throw new CheckFailed(cases.flatMap(failures).join('\n  '));
          if (passed === 0) throw new CheckFailed('no case was compared');
        } finally {
          await engine.kill();
        }
      }),
    );
}

/** One line: status, name and what decides. */
export function caseLine(report: GoldenCase): string {
  const { name, status, quantities, seconds, problem, warnings } = report;
  const head = `${status.padEnd(7)} ${name}`;
  if (status === 'skipped') return `${head}: ${problem ?? ''}`;
  if (status === 'failed')
    return `${head}: ${failures(report).length} wrong of ${quantities.length}, ${seconds.toFixed(1)} s`;
  const worst = [...quantities].sort((a, b) => used(b) - used(a))[0];
  const closest =
    worst === undefined ? '' : `, closest ${worst.name} at ${(100 * used(worst)).toPrecision(2)}% of its tolerance`;
  const notes = warnings.length === 0 ? '' : `, ${counted(warnings.length, 'warning')}`;
  return `${head}: ${quantities.length} quantities${closest}, ${seconds.toFixed(1)} s${notes}`;
}

/** What is wrong in a case, each with case and quantity. */
function failures({ name, status, problem, quantities }: GoldenCase): string[] {
  if (status !== 'failed') return [];
  return [
    ...(problem === undefined ? [] : [`${name}: ${problem}`]),
    ...quantities.filter((quantity) => !quantity.ok).map((quantity) => `${name}: ${quantityText(quantity)}`),
  ];
}

function quantityText({ name, error, tolerance, detail }: Quantity): string {
  const size = Number.isFinite(error) ? ` (error ${error.toPrecision(3)}, tolerance ${tolerance.toPrecision(3)})` : '';
  return `${name} differs${detail === undefined ? '' : `: ${detail}`}${size}`;
}

function used({ error, tolerance }: Quantity): number {
  return error === 0 ? 0 : error / tolerance;
}
