import type { Estimate } from '../../shared/evaluation-tasks.ts';

/** Shown where there is no number. */
export const nothing = '-';

/** A number with a fixed number of decimals, or in scientific form with that many where it would show as zero. */
export function fixed(value: number | null | undefined, decimals: number): string {
  if (value === null || value === undefined) return nothing;
  if (!Number.isFinite(value)) return String(value);
  const text = value.toFixed(decimals);
  return value !== 0 && Number(text) === 0 ? value.toExponential(1) : text;
}

/** A whole number with commas between thousands. */
export function whole(value: number | null | undefined): string {
  return value === null || value === undefined ? nothing : value.toLocaleString('en-GB', { maximumFractionDigits: 0 });
}

/** `0.916 [0.889, 0.937]`: a value with its 95% interval. */
export function estimate(value: Estimate | null | undefined, decimals = 3): string {
  if (value === null || value === undefined) return nothing;
  return `${value.value.toFixed(decimals)} [${value.low.toFixed(decimals)}, ${value.high.toFixed(decimals)}]`;
}

/** Seconds as a person says them: `0.8 s`, `42 s`, `3 min 05 s`, `2 h 10 min`. */
export function duration(given: number | null | undefined): string {
  if (given === null || given === undefined || !Number.isFinite(given)) return nothing;
  const seconds = Math.max(0, given); // between two times of a clock that was set back
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const all = Math.round(seconds);
  const two = (n: number): string => String(n).padStart(2, '0');
  if (all < 60) return `${all} s`;
  if (all < 3600) return `${Math.floor(all / 60)} min ${two(all % 60)} s`;
  return `${Math.floor(all / 3600)} h ${two(Math.floor((all % 3600) / 60))} min`;
}

const byteUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** Bytes in the largest unit that fits: `512 B`, `2.8 MiB`, `61.0 GiB`. */
export function bytes(count: number | null | undefined): string {
  if (count === null || count === undefined || !Number.isFinite(count)) return nothing;
  const power = count < 1024 ? 0 : Math.min(byteUnits.length - 1, Math.floor(Math.log(count) / Math.log(1024)));
  return `${(count / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${byteUnits[power] ?? 'B'}`;
}

/** Milliseconds since 1970 as date and time of this machine, to the second. */
export function time(milliseconds: number | null): string {
  if (milliseconds === null) return nothing;
  const date = new Date(milliseconds - new Date(milliseconds).getTimezoneOffset() * 60_000);
  return date.toISOString().slice(0, 19).replace('T', ' ');
}

/** `1 pair`, `2 pairs`: the word takes an s. */
export function counted(count: number, word: string): string {
  return `${whole(count)} ${word}${count === 1 ? '' : 's'}`;
}
