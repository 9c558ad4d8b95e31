import { queryOptions, useQuery, useQueryClient } from '@tanstack/react-query';
import type { UseQueryResult } from '@tanstack/react-query';
import { useEffect } from 'react';
import type { Blind } from '../../../shared/audit/blind.ts';
import type { AuditPair } from '../../../shared/audit/review.ts';
import { call } from '../../api/client.ts';
import type { ApiError } from '../../api/transport.ts';
import { preparedPair } from './prepared-pair.ts';

function pairQuery(pairId: number, reviewer: string, blind: Blind) {
  const request = { pairId, reviewer, blind };
  return queryOptions<AuditPair, ApiError>({
    queryKey: ['audit.pair', request],
    queryFn: () => call('audit.pair', request),
    // Events say when it is not as it was, see api/client.ts.
    staleTime: Infinity,
  });
}

/** The pair that is shown; those that may come next are fetched and worked out meanwhile. */
export function useAuditPair(
  pairId: number | null,
  following: readonly (number | null)[],
  reviewer: string,
  blind: Blind,
): UseQueryResult<AuditPair, ApiError> {
  const client = useQueryClient();
  const shown = useQuery({ ...pairQuery(pairId ?? 0, reviewer, blind), enabled: pairId !== null });
  const wanted = following.join();
  const ready = shown.data !== undefined;
  useEffect(() => {
    if (!ready) return;
    let left = false;
    const ahead = async (): Promise<void> => {
      for (const id of wanted.split(',').map(Number)) {
        if (id === 0 || left) continue;
        // A failure shows when the pair itself is asked for.
        const pair = await client.fetchQuery(pairQuery(id, reviewer, blind)).catch(() => undefined);
        if (pair !== undefined && !left) requestIdleCallback(() => preparedPair(pair));
      }
    };
    void ahead();
    return () => {
      left = true;
    };
  }, [client, wanted, ready, reviewer, blind]);
  return shown;
}
