import { useQueries } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { EvaluationItem } from '../../../shared/evaluations.ts';
import { maxPageSize } from '../../../shared/paging.ts';
import type { Page } from '../../../shared/paging.ts';
import { call } from '../../api/client.ts';

/** Every item of each evaluation, in the order of the ids. */
export function useItems(ids: readonly number[]): {
  readonly items: readonly (readonly EvaluationItem[])[];
  readonly pending: boolean;
  readonly error: unknown;
} {
  const queries = useQueries({
    queries: ids.map((id) => ({ queryKey: ['evaluations.items', 'whole', id], queryFn: () => allItems(id) })),
  });
  const data = queries.map((query) => query.data);
  const items = useMemo(() => data.map((rows) => rows ?? []), data);
  return {
    items,
    pending: queries.some((query) => query.isPending),
    error: queries.find((query) => query.isError)?.error ?? null,
  };
}

async function allItems(id: number): Promise<readonly EvaluationItem[]> {
  const rows: EvaluationItem[] = [];
  for (let cursor: string | null = null; ;) {
    const page: Page<EvaluationItem> = await call('evaluations.items', { id, cursor, limit: maxPageSize });
    rows.push(...page.rows);
    if (page.next === null) return rows;
    cursor = page.next;
  }
}
