import { QueryClient, useMutation, useQuery } from '@tanstack/react-query';
import type { UseMutationResult, UseQueryResult } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import type { ApiEvent, ApiInput, ApiMethod, ApiOutput, Topic } from '../../shared/api/contract.ts';
import type { ApiError } from './transport.ts';
import { makeTransport } from './transport.ts';

export const queryClient = new QueryClient({
  defaultOptions: { queries: { retry: false, staleTime: 60_000, refetchOnWindowFocus: false } },
});

/** Topics that change what a domain's methods answer. */
const domainsOf: Readonly<Record<Topic, readonly string[]>> = {
  workspace: [
    ...['workspaces', 'models', 'documents', 'generations', 'pairs', 'audit', 'runs', 'evaluations', 'system', 'jobs'],
    ...['demo', 'reviews', 'agreement', 'bundles', 'extensions'],
  ],
  demo: ['demo'],
  models: ['models', 'workspaces.current'],
  documents: ['documents', 'generations.preview', 'workspaces.current'],
  pairs: ['pairs', 'bundles.fits', 'workspaces.current'],
  reviews: ['pairs', 'reviews', 'agreement', 'bundles.fits', 'bundles.current'],
  scores: ['audit.scoredModels'],
  generations: ['generations'],
  runs: ['runs', 'audit.scoredRuns', 'workspaces.current'],
  // Metrics are followed with a cursor by the page that shows them, see charts/use-metrics.ts.
  metrics: [],
  evaluations: ['evaluations', 'workspaces.current'],
  extensions: ['extensions'],
  // Followed by settings/settings-store.ts.
  settings: [],
};

/** What a topic makes stale without asking anew for what is shown: a verdict must cost no query over all pairs. */
const staleOf: Readonly<Partial<Record<Topic, readonly string[]>>> = {
  pairs: ['audit'],
  // The audit follows reviews by itself, see pages/pairs/use-audit-queue.ts.
  reviews: ['audit', 'workspaces.current'],
};

/** Whether a query is of one of these domains (or is one of these methods). */
const within =
  (domains: readonly string[]) =>
  ({ queryKey: [name] }: { readonly queryKey: readonly unknown[] }): boolean =>
    typeof name === 'string' && domains.some((domain) => name === domain || name.startsWith(`${domain}.`));

const listeners = new Set<(event: ApiEvent) => void>();

let connected = true;
const connectionListeners = new Set<() => void>();

const transport = makeTransport({
  onReconnect: () => {
    void queryClient.invalidateQueries();
  },
  onConnection: (now) => {
    connected = now;
    for (const listener of connectionListeners) listener();
  },
});

/** Whether main can be reached; false from the moment at which the events' connection breaks until it is back. */
export function useConnected(): boolean {
  return useSyncExternalStore(
    (listener) => {
      connectionListeners.add(listener);
      return () => connectionListeners.delete(listener);
    },
    () => connected,
  );
}

transport.subscribe((event) => {
  if (event.type === 'changed') {
    // Whatever changed has left an event.
    const domains = [...domainsOf[event.topic], 'system.events'];
    void queryClient.invalidateQueries({ predicate: within(domains) });
    const stale = staleOf[event.topic];
    if (stale !== undefined) void queryClient.invalidateQueries({ predicate: within(stale), refetchType: 'none' });
  } else {
    void queryClient.invalidateQueries({ queryKey: ['jobs.list'] });
  }
  for (const listener of listeners) listener(event);
});

/** Calls a method of the contract. @throws ApiError */
export function call<Name extends ApiMethod>(name: Name, input: ApiInput<Name>): Promise<ApiOutput<Name>> {
  return transport.call(name, input);
}

/** Hears every event until the returned function is called. */
export function onApiEvent(listener: (event: ApiEvent) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** A method's answer, kept and asked for again when an event says that it may differ. */
export function useApi<Name extends ApiMethod>(
  name: Name,
  input: ApiInput<Name>,
  options: { readonly enabled?: boolean; readonly keep?: boolean } = {},
): UseQueryResult<ApiOutput<Name>, ApiError> {
  return useQuery<ApiOutput<Name>, ApiError>({
    queryKey: [name, input],
    queryFn: () => call(name, input),
    enabled: options.enabled ?? true,
    ...(options.keep === true ? { placeholderData: (before: unknown) => before as never } : {}),
  });
}

/** A method that changes something; what it changes comes back by events. */
export function useApiMutation<Name extends ApiMethod>(
  name: Name,
): UseMutationResult<ApiOutput<Name>, ApiError, ApiInput<Name>> {
  return useMutation<ApiOutput<Name>, ApiError, ApiInput<Name>>({ mutationFn: (input) => call(name, input) });
}
