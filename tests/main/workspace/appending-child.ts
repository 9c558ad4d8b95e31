// A process that holds the workspace in argv[2] and, if argv[3] is `append`, adds verdicts and metrics until it is
// killed. What is stored is acknowledged on standard output, one line each, written before the next one is added.
import { writeSync } from 'node:fs';
import { openWorkspace } from '../../../src/main/workspace/workspace.ts';

const [, , folder = '', mode = ''] = process.argv;
if (mode === 'append') append();
else hold();

function hold(): void {
  openWorkspace(folder, { program: 'child' });
  setTimeout(() => {
    globalThis.gc?.();
    writeSync(1, 'open\n');
  }, 10);
  setInterval(() => undefined, 1000);
}

function append(): void {
  const workspace = openWorkspace(folder, { program: 'child' });
  writeSync(1, 'open\n');
  const run = 1;
  let step = workspace.runs.get(run).lastStep ?? 0;
  workspace.runs.setStatus(run, 'running');
  for (;;) {
    step += 1;
    workspace.metrics.append(run, [
      { step, key: 'loss', value: 1 / step },
      { step, key: 'grad_norm', value: step },
    ]);
    writeSync(1, `metric ${step}\n`);
    const pairId = 1 + (step % 2);
    const { id } = workspace.reviews.append({
      ...{ pairId, reviewer: 'child', verdict: 'chosen_better', blind: false, milliseconds: step },
    });
    writeSync(1, `review ${id}\n`);
  }
}
