import type { MemoryPart } from '../../shared/memory-plan.ts';
import { formatBytes } from './format.ts';

/** The parts of a memory plan as they are named and drawn, from the bottom up. */
export const memoryPartLooks: Readonly<Record<MemoryPart['name'], { readonly label: string; readonly color: string }>> =
  {
    runtime: { label: 'Runtime', color: 'var(--run-8)' },
    weights: { label: 'Weights', color: 'var(--run-1)' },
    loading: { label: 'Loading', color: 'var(--run-7)' },
    trained: { label: 'Trained', color: 'var(--run-6)' },
    lossHead: { label: 'Loss head', color: 'var(--run-5)' },
    layerInputs: { label: 'Layer inputs', color: 'var(--run-3)' },
    activations: { label: 'Activations', color: 'var(--run-3)' },
    workspace: { label: 'One layer at work', color: 'var(--run-2)' },
    scores: { label: 'Attention scores', color: 'var(--run-4)' },
    pieces: { label: 'Pieces', color: 'var(--run-7)' },
  };

/** Parts in the order in which they are drawn. */
export function inOrder(parts: readonly MemoryPart[]): readonly MemoryPart[] {
  const order = Object.keys(memoryPartLooks);
  return [...parts].sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
}

/** What a step's memory is made of, the largest part first, with what each one is. */
export function MemoryParts({ parts }: { readonly parts: readonly MemoryPart[] }) {
  const most = Math.max(1, ...parts.map(({ bytes }) => bytes));
  return (
    <table className="data" aria-label="Parts of the memory" style={{ fontSize: 12 }}>
      <tbody>
        {[...parts]
          .sort((a, b) => b.bytes - a.bytes)
          .map(({ name, bytes, about }) => (
            <tr key={name}>
              <td style={{ width: '34%' }}>
                {memoryPartLooks[name].label}
                <div
                  style={{
                    height: 3,
                    marginTop: 2,
                    width: `${(100 * bytes) / most}%`,
                    background: memoryPartLooks[name].color,
                  }}
                />
              </td>
              <td className="number" style={{ whiteSpace: 'nowrap' }}>
                {formatBytes(bytes)}
              </td>
              <td className="muted">{about}</td>
            </tr>
          ))}
      </tbody>
    </table>
  );
}
