import { pairFilters } from '../../../shared/pair-filters.ts';

const others: Readonly<Record<string, string>> = {
  empty_document: 'Document without text',
  document_too_long: 'Document too long for the model',
  short_chunk: 'Chunk too short',
  not_sampled: 'Chunk not drawn',
  chunk_too_long: 'Chunk too long for the model',
};

/** Why something was left out, in words: a filter's name, or what the synthesis counts under this reason. */
export function reasonName(reason: string): string {
  const filters: Readonly<Record<string, { readonly name: string } | undefined>> = pairFilters;
  const text = filters[reason]?.name ?? others[reason] ?? reason.replaceAll('_', ' ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
