const whole = new Intl.NumberFormat('en');

/** 1,234,567 */
export function formatCount(value: number): string {
  return whole.format(value);
}

/** A measured number with a sensible number of digits: 0.0123, 1.234, 12,345, 2.0e-4. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && size < 0.001) return value.toExponential(1);
  if (size >= 10_000) return whole.format(Math.round(value));
  return value.toFixed(size >= 100 ? 1 : size >= 10 ? 2 : size >= 1 ? 3 : 4);
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** 1.5 GiB */
export function formatBytes(bytes: number): string {
  const step = Math.min(units.length - 1, bytes < 1024 ? 0 : Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** step;
  return `${step === 0 ? value : value.toFixed(value >= 100 ? 0 : 1)} ${units[step] ?? ''}`;
}

/** 45 s, 3 min 20 s, 2 h 08 min */
export function formatDuration(given: number): string {
  const seconds = Math.max(0, given); // between two times of a clock that was set back
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${String(Math.round(seconds % 60)).padStart(2, '0')} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** 2026-11-24 09:30 */
export function formatTime(milliseconds: number): string {
  const date = new Date(milliseconds);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** A tick of an axis, as short as it can be: 0.25, 1,000, 1e-5. */
export function formatTick(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && size < 0.001) return value.toExponential().replace('e+', 'e');
  if (size >= 1e6) return formatCompact(value);
  return size >= 1000 ? whole.format(value) : String(Number(value.toPrecision(6)));
}

const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** 950, 1.5K, 12.3K, 1.2M */
export function formatCompact(value: number): string {
  return Math.abs(value) < 1000 ? whole.format(value) : compact.format(value);
}

/** A number of tokens as context lengths are named: 131,072 = 128K, 1,048,576 = 1M; others as `formatCompact` has them. */
export function formatContextLength(tokens: number): string {
  if (tokens >= 2 ** 20 && tokens % 2 ** 20 === 0) return `${tokens / 2 ** 20}M`;
  return tokens >= 1024 && tokens % 1024 === 0 ? `${tokens / 1024}K` : formatCompact(tokens);
}
