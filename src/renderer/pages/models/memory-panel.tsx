import { NumberInput, SegmentedControl, Switch } from '@mantine/core';
import { useMemo, useState } from 'react';
import { longestThatFits } from '../../../shared/memory-plan.ts';
import type { ModelReport } from '../../../shared/model-report.ts';
import { useApi } from '../../api/client.ts';
import { formatBytes, formatContextLength, formatCount } from '../../components/format.ts';
import { MemoryParts } from '../../components/memory-parts.tsx';
import { plansByLength, trainableOf } from './memory-by-length.ts';
import { MemoryChart } from './memory-chart.tsx';

const GiB = 2 ** 30;
/** What is planned for where no card says how much it has. */
const usualCard = 80;

/** What a training step of a model needs at each length, on this machine or another, and the longest that fits. */
export function MemoryPanel({ report }: { readonly report: ModelReport }) {
  const info = useApi('system.info', {});
  const cuda = useApi('system.cuda', {});
  const [device, setDevice] = useState<'cpu' | 'cuda'>('cpu');
  const [kind, setKind] = useState<'lora' | 'full'>('lora');
  const [rank, setRank] = useState(16);
  const [layerwise, setLayerwise] = useState(true);
  const [typed, setTyped] = useState<number | null>(null);
  const [chosen, choose] = useState<number | null>(null);
  const card = cuda.data?.cards.find(({ uuid }) => uuid === cuda.data.chosen) ?? cuda.data?.cards[0];
  const there = device === 'cpu' ? info.data?.memoryTotal : (card?.memoryTotal ?? usualCard * GiB);
  const memory = typed === null ? (there ?? 16 * GiB) : typed * GiB;
  const step = useMemo(
    () => ({
      device,
      trainable: trainableOf(kind, rank),
      checkpointing: layerwise ? ('layer' as const) : ('none' as const),
    }),
    [device, kind, rank, layerwise],
  );
  const plans = useMemo(() => plansByLength(report, step, memory), [report, step, memory]);
  const longest = useMemo(() => longestThatFits(report, step, { memory, host: 0 }), [report, step, memory]);
  const fitting = plans.findLast(({ peak }) => peak <= memory) ?? plans[0];
  const shown = plans.find(({ tokens }) => tokens === chosen) ?? fitting;
  return (
    <section aria-label="Memory" style={{ borderTop: '1px solid var(--line)', marginTop: 12, paddingTop: 12 }}>
      <div className="row" style={{ gap: '8px 16px', marginBottom: 8 }}>
        <SegmentedControl
          size="xs"
          aria-label="Device of the plan"
          data={[
            { value: 'cpu', label: 'CPU' },
            { value: 'cuda', label: 'CUDA' },
          ]}
          value={device}
          onChange={(value) => {
            setDevice(value);
            setTyped(null);
          }}
        />
        <SegmentedControl
          size="xs"
          aria-label="What is trained"
          data={[
            { value: 'lora', label: 'LoRA' },
            { value: 'full', label: 'All weights' },
          ]}
          value={kind}
          onChange={setKind}
        />
        {kind === 'lora' && (
          <NumberInput
            aria-label="Rank of the adapter"
            prefix="rank "
            w={84}
            min={1}
            max={1024}
            allowDecimal={false}
            hideControls
            value={rank}
            onChange={(value) => {
              if (typeof value === 'number' && value >= 1) setRank(value);
            }}
          />
        )}
        <Switch
          size="sm"
          label="Gradient checkpointing"
          checked={layerwise}
          onChange={(event) => {
            setLayerwise(event.currentTarget.checked);
          }}
        />
        <label className="control end">
          <span className="muted">{device === 'cpu' ? 'Memory of the machine' : 'Memory of the card'}</span>
          <NumberInput
            aria-label="Memory in GiB"
            suffix=" GiB"
            w={96}
            min={0.25}
            max={100_000}
            decimalScale={1}
            hideControls
            value={Math.round((memory / GiB) * 10) / 10}
            onChange={(value) => {
              if (typeof value === 'number' && value > 0) setTyped(value);
            }}
          />
        </label>
      </div>
      <p role="status" style={{ margin: '0 0 8px' }}>
        {longest > 0 ? (
          <>
            The longest pair that fits has <strong>{formatCount(longest)} tokens</strong>
            <span className="muted"> (document, questions and both answers packed)</span>
          </>
        ) : (
          <strong style={{ color: 'var(--fail)' }}>Not even one token fits.</strong>
        )}
      </p>
      <div style={{ display: 'grid', gridTemplateColumns: 'minmax(0, 1fr) minmax(0, 1fr)', gap: 20 }}>
        <MemoryChart plans={plans} memory={memory} selected={shown?.tokens ?? 0} onSelect={choose} />
        <div>
          <div className="row" style={{ marginBottom: 4 }}>
            <SegmentedControl
              size="xs"
              aria-label="Length whose parts are shown"
              data={plans.map(({ tokens }) => ({ value: String(tokens), label: formatContextLength(tokens) }))}
              value={String(shown?.tokens ?? '')}
              onChange={(value) => {
                choose(Number(value));
              }}
            />
          </div>
          {shown !== undefined && (
            <>
              <div style={{ margin: '6px 0 2px' }}>
                <strong>{formatBytes(shown.peak)}</strong>{' '}
                <span className="muted">
                  for {formatCount(shown.tokens)} tokens{shown.peak > memory ? ', more than there is' : ''}
                </span>
              </div>
              <MemoryParts parts={shown.parts} />
            </>
          )}
        </div>
      </div>
    </section>
  );
}
