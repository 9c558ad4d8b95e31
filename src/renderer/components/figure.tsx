import './components.css';
import { useEffect, useState } from 'react';
import { formatNumber } from './format.ts';

/** A number with its unit. A click copies the number unrounded, as a spreadsheet or a script takes it. */
export function Figure({
  value,
  unit = '',
  format = formatNumber,
  label,
}: {
  readonly value: number | null | undefined;
  readonly unit?: string;
  readonly format?: (value: number) => string;
  /** What the number is, for who does not see the page. */
  readonly label?: string;
}) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => {
      setCopied(false);
    }, 1200);
    return () => {
      clearTimeout(timer);
    };
  }, [copied]);
  if (value === null || value === undefined) return <span className="muted">none</span>;
  const text = `${format(value)}${unit === '' ? '' : ` ${unit}`}`;
  return (
    <button
      type="button"
      className="figure"
      title={`Copy ${value}`}
      aria-label={`${label === undefined ? '' : `${label}: `}${text}, copy`}
      onClick={(event) => {
        event.stopPropagation();
        void navigator.clipboard.writeText(String(value)).then(() => {
          setCopied(true);
        });
      }}
    >
      {copied ? 'copied' : text}
    </button>
  );
}

/** A measured share or score with its interval: 61.2% [58.0%, 64.3%]. */
export function Interval({
  value,
  low,
  high,
  format = formatShare,
}: {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly format?: (value: number) => string;
}) {
  return (
    <span className="interval" title="95% interval">
      {format(value)}{' '}
      <span className="muted">
        [{format(low)}, {format(high)}]
      </span>
    </span>
  );
}

/** 0.6123 -> 61.2% */
export function formatShare(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}
