import { UserError } from '../../../shared/errors.ts';
import type { Device } from './session.ts';

/** What ONNX Runtime, CUDA and cuBLAS say when memory is not enough; cuBLAS's handles fail with 3 (allocation failed). */
const SIGNS = [
  /BFCArena::AllocateRawInternal/,
  /Failed to allocate memory/i,
  /bad_alloc/,
  /CUDA failure 2:/,
  /out of memory/i,
  /CUBLAS failure 3:/,
  /Array buffer allocation failed/,
  /Invalid typed array length/,
];

/** Node names carry their scope: `grad/layers.7/MatMul.node_12`, `loss_head/Scan.node_3`. */
function partOf(name: string): string | undefined {
  const back = name.startsWith('grad/') ? ' on the way back' : '';
  const layer = /layers\.(\d+)\//.exec(name)?.[1];
  if (layer !== undefined) return `layer ${Number(layer) + 1}${back}`;
  if (name.includes('loss_head')) return `the loss head${back}`;
  if (/(^|\/)(prefix|prompts)\//.test(name)) return 'reading the prompt';
  return undefined;
}

/**
 * An error of ONNX Runtime as an error about memory, where it is one: which part asked for how much.
 *
 * @param doing `loading` or `running` the model
 */
export function outOfMemory(error: unknown, device: Device, doing: 'loading' | 'running'): UserError | undefined {
  const text = error instanceof Error ? error.message : String(error);
  if (!SIGNS.some((sign) => sign.test(text))) return undefined;
  const [, operator, name = ''] = /while running (\S+) node\. Name:'([^']*)'/.exec(text) ?? [];
  const size = /requested buffer of size (\d+)/.exec(text)?.[1];
  const part = partOf(name);
  const where = [
    ...(part === undefined ? [] : [`in ${part}`]),
    ...(operator === undefined ? [] : [`at ${operator}`]),
    ...(size === undefined ? [] : [`asking for ${(Number(size) / 2 ** 30).toFixed(2)} GiB`]),
  ];
  const memory = device === 'cuda' ? "The card's memory" : "This machine's memory";
  const when = doing === 'loading' ? 'to load the model' : 'to run the model';
  return new UserError(
    'no_memory',
    `${memory} is not enough ${when}${where.length === 0 ? '' : ` (${where.join(', ')})`}.`,
    {
      hint: 'Use shorter inputs, or a smaller model; longhand plan shows what needs how much.',
      cause: error,
    },
  );
}
