import path from 'node:path';

const HERE = import.meta.dirname;

/** First stack line outside engine/onnx: the model code that asked for the operator. */
function callerLine(stack: string | undefined): string | undefined {
  for (const line of (stack ?? '').split('\n').slice(1)) {
    const match = /\(?(?:file:\/\/)?((?:\/|[A-Za-z]:[\\/])[^():]*):(\d+):\d+\)?$/.exec(line.trim());
    const file = match?.[1];
    if (file === undefined || file.startsWith(HERE + path.sep) || file.includes('node_modules')) continue;
    return `${path.relative(process.cwd(), file)}:${match?.[2]}`;
  }
  return undefined;
}

/** A graph that cannot be: wrong dtype or shape, unknown operator, no gradient rule. Names the line of model code. */
export class GraphError extends Error {
  override readonly name = 'GraphError';
  /** `file:line` of the model code, relative to the working directory. */
  readonly at: string | undefined;

  constructor(message: string) {
    // Gradient rules are called from deep inside engine/onnx: ten frames would not reach the model code.
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 200;
    super(message);
    Error.stackTraceLimit = limit;
    this.at = callerLine(this.stack);
    if (this.at !== undefined) this.message = `${message} (at ${this.at})`;
  }
}
