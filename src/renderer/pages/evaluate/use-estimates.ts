import { useDebouncedValue } from '@mantine/hooks';
import { useQueries } from '@tanstack/react-query';
import type { TaskEstimate, TaskSize } from '../../../shared/api/evaluations.ts';
import { isAlive } from '../../../shared/api/jobs.ts';
import type { EvaluationTaskInput } from '../../../shared/evaluation-tasks.ts';
import type { BaseBits } from '../../../shared/run-config.ts';
import { call, useApi } from '../../api/client.ts';
import type { DeviceName } from '../../components/execution-fields.tsx';
import type { EvaluationSource } from './sources.ts';

/** Tasks that belong together, such as those of a card. */
export interface TaskGroup {
  readonly key: string;
  readonly tasks: readonly EvaluationTaskInput[];
}

/** What is measured, with the folder of its model; undefined while that is not known. */
export interface MeasuredSource {
  readonly source: EvaluationSource;
  readonly modelDir: string | undefined;
}

export interface Estimates {
  /** The engine does one thing at a time: nothing is counted while it works. */
  readonly busy: boolean;
  /** Of a group: how large its tasks are for the first source, and what is wrong with their files. */
  readonly group: (key: string) => { readonly sizes: readonly TaskSize[] | null; readonly error: unknown };
  /** What a task takes on each source, as far as it is known; null: still counted. */
  readonly task: (key: string, index: number) => readonly TaskEstimate[] | null;
  /** What is wrong with a source, such as a run without a checkpoint. */
  readonly error: unknown;
}

/** How large tasks are and what they take, read by the engine once nothing was typed for a moment. */
export function useEstimates(
  groups: readonly TaskGroup[],
  sources: readonly MeasuredSource[],
  execution: { readonly device: DeviceName; readonly baseBits: BaseBits | null },
): Estimates {
  const jobs = useApi('jobs.list', {});
  const busy = jobs.data?.some(isAlive) ?? true;
  const wanted = JSON.stringify(groups);
  const [settled] = useDebouncedValue(wanted, 400);
  const flat = (JSON.parse(settled) as TaskGroup[]).flatMap(({ key, tasks }) =>
    tasks.map((task, index) => ({ key, task, index })),
  );
  const dirs = [...new Set(sources.flatMap(({ modelDir }) => modelDir ?? []))];
  const checks = useQueries({
    queries: dirs.flatMap((modelDir) =>
      flat.map(({ task }) => ({
        queryKey: ['evaluations.check', { modelDir, task }],
        queryFn: () => call('evaluations.check', { modelDir, task }),
        enabled: !busy,
        staleTime: 30_000,
      })),
    ),
  });
  /** The checks of all tasks for a model; none while it is not known. */
  const sizesFor = (modelDir: string | undefined) => {
    const at = modelDir === undefined ? -1 : dirs.indexOf(modelDir);
    return at < 0 ? [] : checks.slice(at * flat.length, (at + 1) * flat.length);
  };
  const { device, baseBits } = execution;
  const estimates = useQueries({
    queries: sources.map(({ source, modelDir }) => {
      const sized = sizesFor(modelDir).flatMap(({ data }, i) => {
        const task = flat[i]?.task;
        return data === undefined || task === undefined ? [] : [{ task, size: data }];
      });
      const request = { source, tasks: sized, device, ...(baseBits === null ? {} : { baseBits }) };
      return {
        queryKey: ['evaluations.estimate', request],
        queryFn: () => call('evaluations.estimate', request),
        enabled: flat.length > 0 && sized.length === flat.length,
        staleTime: 30_000,
      };
    }),
  });
  const stale = settled !== wanted;
  // With one task less the request is an earlier one, whose answer is known but is about other tasks.
  const counted = sources.every(
    ({ modelDir }) => modelDir !== undefined && sizesFor(modelDir).every(({ data }) => data !== undefined),
  );
  return {
    busy,
    group: (key) => {
      const own = sizesFor(sources[0]?.modelDir).filter((_, i) => flat[i]?.key === key);
      const error = own.find((check) => check.isError)?.error ?? null;
      const sizes = own.flatMap(({ data }) => data ?? []);
      return { error, sizes: stale || error !== null || own.length === 0 || sizes.length < own.length ? null : sizes };
    },
    task: (key, index) => {
      const at = flat.findIndex((one) => one.key === key && one.index === index);
      if (stale || !counted || at < 0 || estimates.some(({ data }) => data === undefined)) return null;
      return estimates.flatMap(({ data }) => data?.[at] ?? []);
    },
    error: estimates.find(({ isError }) => isError)?.error ?? null,
  };
}
