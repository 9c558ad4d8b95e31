import { exitCode } from './cli/exit-codes.ts';
import { runCommandLine } from './cli/program.ts';

// What was written to a pipe that the reader has closed (`longhand runs list | head`) is of no interest to anybody.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return;
  const full = error.code === 'ENOSPC';
  process.stderr.write(`error: The report could not be written: ${full ? 'the disk is full' : error.message}.\n`);
  process.exit(exitCode(full ? 'no_space' : 'invalid_input'));
});

const code = await runCommandLine(process.argv.slice(2));
// Said whole, then ended from here: on its own way out Node takes the listeners for signals away first, and a Ctrl+C
// that comes then would make 130 of work that is done.
for (const stream of [process.stdout, process.stderr])
  await new Promise<void>((done) => stream.write('', () => done()));
process.exit(code);
