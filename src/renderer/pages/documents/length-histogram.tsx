import './documents.css';
import { NumberInput } from '@mantine/core';
import { useMemo, useRef } from 'react';
import { z } from 'zod';
import { SaveMenu } from '../../charts/save-menu.tsx';
import { useWidth } from '../../charts/use-width.ts';
import { formatCompact, formatContextLength, formatCount } from '../../components/format.ts';
import { useSetting } from '../../settings/use-setting.ts';
import { histogram, histogramCsv, placeOf } from './histogram.ts';

const targetSchema = z.int().min(0).max(1e9);
const [height, foot, head] = [96, 16, 14];

/** Lengths of all documents, with the length that the model shall learn to read drawn in. */
export function LengthHistogram({
  lengths,
  unit,
  contextLength,
}: {
  readonly lengths: readonly number[];
  readonly unit: 'tokens' | 'characters';
  /** The model's own context, the target until the person sets another; null while there is no model. */
  readonly contextLength: number | null;
}) {
  const [stored, setTarget] = useSetting('documents.targetTokens', targetSchema, 0);
  const target = stored > 0 ? stored : contextLength;
  const figure = useRef<HTMLElement>(null);
  const width = useWidth(figure);
  const inTokens = unit === 'tokens' && target !== null;
  const bins = useMemo(() => histogram(lengths, 32, inTokens ? target : undefined), [lengths, inTokens, target]);
  const tallest = bins.reduce((most, bin) => Math.max(most, bin.count), 1);
  const beyond = inTokens ? lengths.reduce((sum, length) => sum + Number(length > target), 0) : 0;
  const place = inTokens ? placeOf(bins, target) : null;
  const drawn = height - foot - head;
  const step = width / Math.max(1, bins.length);
  return (
    <figure ref={figure} className="histogram" aria-label="Lengths of documents">
      <figcaption>
        <strong>Lengths</strong>
        <span className="muted ellipsis" style={{ flex: 1 }}>
          {unit} a document
          {inTokens ? `; ${formatCount(beyond)} of ${formatCount(lengths.length)} longer than the target` : ''}
        </span>
        {unit === 'tokens' && (
          <label className="control">
            <span className="muted">Target</span>
            <NumberInput
              aria-label="Target length in tokens"
              value={target ?? ''}
              min={1}
              max={1_000_000_000}
              allowDecimal={false}
              thousandSeparator=","
              hideControls
              w={96}
              onChange={(value) => {
                if (typeof value === 'number' && value >= 1) setTarget(Math.round(value));
              }}
            />
          </label>
        )}
        <SaveMenu title="Lengths of documents" unit={unit} figure={figure} csv={() => histogramCsv(bins, unit)} />
      </figcaption>
      <svg
        className="drawing"
        height={height}
        viewBox={`0 0 ${Math.max(1, width)} ${height}`}
        role="img"
        aria-label={described(bins, unit)}
      >
        {bins.map((bin, i) => {
          const size = bin.count === 0 ? 0 : Math.max(2, (drawn * bin.count) / tallest);
          return (
            <rect
              key={bin.from}
              x={i * step}
              y={head + drawn - size}
              width={Math.max(1, step - 1)}
              height={size}
              fill="var(--short)"
            >
              <title>{`${formatCount(Math.round(bin.from))} to ${formatCount(Math.round(bin.to))} ${unit}: ${formatCount(bin.count)}`}</title>
            </rect>
          );
        })}
        <line x1={0} x2={width} y1={head + drawn + 0.5} y2={head + drawn + 0.5} stroke="var(--line)" />
        {place !== null && target !== null && (
          <>
            <line
              x1={place * width}
              x2={place * width}
              y1={head - 2}
              y2={head + drawn}
              style={{ stroke: 'var(--tuned)' }}
              strokeWidth={1.5}
              strokeDasharray="4 3"
            />
            <text
              x={Math.max(0, Math.min(width, place * width + (place > 0.5 ? -5 : 5)))}
              y={10}
              textAnchor={place > 0.5 ? 'end' : 'start'}
              fontSize={11}
              style={{ fill: 'var(--tuned)' }}
            >
              target {formatContextLength(target)}
            </text>
          </>
        )}
        {[0, 0.25, 0.5, 0.75, 1].map((share) => (
          <text
            key={share}
            x={share * width}
            y={height - 3}
            fontSize={11}
            fill="var(--muted)"
            textAnchor={share === 0 ? 'start' : share === 1 ? 'end' : 'middle'}
          >
            {axisLabel(bins, share)}
          </text>
        ))}
      </svg>
    </figure>
  );
}

/** The axis has equal ratios: a label in the middle is the geometric mean. */
function axisLabel(bins: ReturnType<typeof histogram>, share: number): string {
  const low = bins[0]?.from ?? 0;
  const high = bins.at(-1)?.to ?? 0;
  if (low <= 0 || (low === high && share !== 0)) return '';
  return formatCompact(Math.round(low * (high / low) ** share));
}

function described(bins: ReturnType<typeof histogram>, unit: string): string {
  const filled = bins.filter(({ count }) => count > 0);
  return `From ${formatCount(Math.round(filled[0]?.from ?? 0))} to ${formatCount(Math.round(filled.at(-1)?.to ?? 0))} ${unit}`;
}
