import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';

/** One run of one operator, from the trace that ONNX Runtime writes. */
export interface KernelRun {
  /** The node's name with its scopes, e.g. `layers.0/Gemm.node_12`. */
  readonly node: string;
  readonly opType: string;
  /** Microseconds; `self` is without the operators inside (of a Loop, a Scan or an If). */
  readonly start: number;
  readonly duration: number;
  readonly self: number;
  readonly inputs: readonly (readonly number[])[];
  readonly outputs: readonly (readonly number[])[];
  /** Bytes that the runtime had asked its arena for when the operator ended, all that was alive together. */
  readonly aliveBytes: number;
}

const shapes = z.array(z.record(z.string(), z.array(z.number()))).optional();
const eventSchema = z.object({
  cat: z.string(),
  name: z.string(),
  ts: z.number(),
  dur: z.number(),
  args: z
    .object({
      op_name: z.string().optional(),
      mem_bytes_requested_in_use: z.coerce.number().optional(),
      input_type_shape: shapes,
      output_type_shape: shapes,
    })
    .optional(),
});

/** Operators whose time includes that of the operators inside. */
const WITH_BODY = new Set(['Loop', 'Scan', 'If']);

const KERNEL = '_kernel_time';

/** The operators of a trace in the order of their starts. `prefix` is the path prefix that the session was given. */
export async function readTrace(prefix: string): Promise<KernelRun[]> {
  const folder = path.dirname(prefix);
  const [file, ...more] = (await readdir(folder)).filter((name) => name.startsWith(path.basename(prefix)));
  if (file === undefined || more.length > 0)
    throw new Error(`${folder} should hold one trace of ${path.basename(prefix)}`);
  // A long decode's trace is larger than a string may be; the runtime writes an event a line.
  const kernels: z.output<typeof eventSchema>[] = [];
  for await (const line of createInterface({ input: createReadStream(path.join(folder, file)) })) {
    if (!line.includes(KERNEL)) continue;
    const event = eventSchema.parse(JSON.parse(line.replace(/,$/, '')));
    if (event.cat === 'Node' && event.name.endsWith(KERNEL)) kernels.push(event);
  }
  kernels.sort((a, b) => a.ts - b.ts || b.dur - a.dur);

  // A Loop's time includes its body's: what lies inside an interval is taken off its own time.
  const inside = new Map<(typeof kernels)[number], number>();
  const open: typeof kernels = [];
  for (const event of kernels) {
    while (open.length > 0 && (open.at(-1)?.ts ?? 0) + (open.at(-1)?.dur ?? 0) <= event.ts) open.pop();
    const parent = open.at(-1);
    if (parent !== undefined) inside.set(parent, (inside.get(parent) ?? 0) + event.dur);
    if (WITH_BODY.has(event.args?.op_name ?? '')) open.push(event);
  }
  return kernels.map((event) => ({
    node: event.name.slice(0, -KERNEL.length),
    opType: event.args?.op_name ?? '',
    start: event.ts,
    duration: event.dur,
    self: Math.max(0, event.dur - (inside.get(event) ?? 0)),
    inputs: (event.args?.input_type_shape ?? []).flatMap((shape) => Object.values(shape)),
    outputs: (event.args?.output_type_shape ?? []).flatMap((shape) => Object.values(shape)),
    aliveBytes: event.args?.mem_bytes_requested_in_use ?? 0,
  }));
}
