import { exitCode } from './cli/exit-codes.ts';
import { runCommandLine } from './cli/program.ts';

// What was written to a pipe that the reader has closed (`longhand runs list | head`) is of no interest to anybody.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return;
  const full = error.code === 'ENOSPC';
  process.stderr.write(`error: The report could not be written: ${full ? 'the disk is full' : error.message}.\n`);
  process.exit(exitCode(full ? 'no_space' : 'invalid_input'));
});

process.exitCode = await runCommandLine(process.argv.slice(2));
