import { runCommandLine } from './cli/program.ts';

// What was written to a pipe that the reader has closed (`longhand runs list | head`) is of no interest to anybody.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

process.exitCode = await runCommandLine(process.argv.slice(2));
