import { openContext } from '../../../src/main/services/context.ts';
import { train } from '../../../src/main/services/runs.ts';
import { tinyRun } from './tiny-run.ts';

// A program of its own that trains until its parent kills it; it sends its engine's process id after some steps.
const [folder = '', modelDir = ''] = process.argv.slice(2);
const context = openContext(folder);
await train(
  context,
  { modelDir, config: tinyRun },
  {
    onProgress: ({ phase, done }) => {
      if (phase === 'train' && done >= 14) process.send?.(context.engine.pid);
    },
  },
);
await context.close();
