import { useInfiniteQuery } from '@tanstack/react-query';
import { useEffect, useMemo } from 'react';
import type { ApiInput, ApiMethod, ApiOutput } from '../../shared/api/contract.ts';
import { maxPageSize } from '../../shared/paging.ts';
import type { Page } from '../../shared/paging.ts';
import { call } from './client.ts';
import type { ApiError } from './transport.ts';

/** Methods that answer page by page. */
export type PagedMethod = {
  [Name in ApiMethod]: ApiOutput<Name> extends Page<unknown> ? Name : never;
}[ApiMethod];
export type RowOf<Name extends PagedMethod> = ApiOutput<Name> extends Page<infer Row> ? Row : never;

export interface AllRows<Row> {
  /** What has come so far, in main's order. */
  readonly rows: readonly Row[];
  /** There are rows that have not come yet. */
  readonly more: boolean;
  readonly pending: boolean;
  readonly error: ApiError | null;
}

/** Every row of a list, a page at a time, for a table that sorts and filters in the window. */
export function useAllRows<Name extends PagedMethod>(
  name: Name,
  input: Omit<ApiInput<Name>, 'cursor' | 'limit'>,
): AllRows<RowOf<Name>> {
  const query = useInfiniteQuery<Page<RowOf<Name>>, ApiError, { pages: Page<RowOf<Name>>[] }, unknown[], string | null>(
    {
      queryKey: [name, 'all', input],
      queryFn: async ({ pageParam }) => {
        const request = { ...input, cursor: pageParam, limit: maxPageSize };
        return (await call(name, request as ApiInput<Name>)) as unknown as Page<RowOf<Name>>; // PagedMethod says so
      },
      initialPageParam: null,
      getNextPageParam: (last) => last.next,
    },
  );
  const { hasNextPage, isFetchingNextPage, fetchNextPage, data } = query;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage, data]);
  const rows = useMemo(() => data?.pages.flatMap((page) => page.rows) ?? [], [data]);
  return { rows, more: hasNextPage, pending: query.isPending, error: query.error };
}
