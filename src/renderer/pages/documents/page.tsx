import { Button, Select, Switch } from '@mantine/core';
import { useMemo, useState } from 'react';
import type { DocumentListRow } from '../../../shared/documents.ts';
import { importKinds } from '../../../shared/import-kinds.ts';
import { useApi, useApiMutation } from '../../api/client.ts';
import { useAllRows } from '../../api/use-all-rows.ts';
import { goTo, useRoute } from '../../app/router.ts';
import { DataTable } from '../../components/data-table.tsx';
import type { DataColumn } from '../../components/data-table.tsx';
import { formatBytes, formatCount } from '../../components/format.ts';
import { Page } from '../../components/page.tsx';
import { Empty, ErrorPanel, Loading } from '../../components/states.tsx';
import { ImportPanel } from './import-panel.tsx';
import { LengthHistogram } from './length-histogram.tsx';
import { Reader } from './reader.tsx';

const columns: readonly DataColumn<DocumentListRow>[] = [
  { id: 'title', header: 'Title', value: (row) => row.title, width: 140 },
  { id: 'tokens', header: 'Tokens', value: (row) => row.tokens, cell: (row) => count(row.tokens), number: true },
  {
    id: 'characters',
    header: 'Chars',
    value: (row) => row.characters,
    cell: (row) => count(row.characters),
    number: true,
  },
  { id: 'pairs', header: 'Pairs', value: (row) => row.pairs, cell: (row) => count(row.pairs), number: true, width: 70 },
  { id: 'kind', header: 'Kind', value: (row) => importKinds[row.importer].label, width: 100 },
  { id: 'source', header: 'Source', value: sourceOf, width: 320 },
];

function count(value: number | null): string {
  return value === null ? '' : formatCount(value);
}

function sourceOf({ sourcePath, sourceLine }: DocumentListRow): string {
  return sourceLine === null ? sourcePath : `${sourcePath}, line ${sourceLine}`;
}

/** A number of a link's query; null where it has none. */
function place(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,12}$/.test(text) ? Number(text) : null;
}

/** Documents of the workspace: import, lengths, one to read. `#/documents/3?at=120` opens the third at a place. */
export function DocumentsPage({ rest }: { readonly rest: readonly string[] }) {
  const { query } = useRoute();
  const models = useApi('models.list', {});
  const [model, setModel] = useState<string | null>(null);
  const chosen = models.data?.find(({ fingerprint }) => fingerprint === model) ?? models.data?.[0];
  const [archived, showArchived] = useState(false);
  const list = useAllRows('documents.list', {
    archived,
    ...(chosen === undefined ? {} : { modelFingerprint: chosen.fingerprint }),
  });
  const countTokens = useApiMutation('documents.countTokens');
  const { rows } = list;
  const wanted = place(rest[0]);
  const current = wanted === null ? rows[0] : rows.find(({ id }) => id === wanted);
  // A link may point to a document that is archived, or that has not come with the list yet.
  const linked = useApi('documents.get', { id: wanted ?? 0 }, { enabled: wanted !== null && current === undefined });
  const shown = current ?? linked.data;
  const tokens = useMemo(() => rows.flatMap((row) => row.tokens ?? []), [rows]);
  const characters = useMemo(() => rows.map((row) => row.characters), [rows]);
  const bytes = useMemo(() => rows.reduce((sum, row) => sum + row.bytes, 0), [rows]);
  const uncounted = rows.length - tokens.length;
  const none = !list.pending && rows.length === 0;
  return (
    <Page
      title="Documents"
      note={none || list.pending ? '' : `${formatCount(rows.length)} documents, ${formatBytes(bytes)}`}
    >
      <ImportPanel />
      {list.error !== null && <ErrorPanel error={list.error} />}
      {countTokens.isError && <ErrorPanel error={countTokens.error} />}
      {list.pending && <Loading lines={10} />}
      {none && !archived && (
        <Empty title="No documents yet">
          Long texts that the model shall learn to read: books, reports, code, transcripts. Each becomes the long side
          of preference pairs, so documents near the length that you train for are worth most. Texts that are there
          already are recognised by their content and kept once.
        </Empty>
      )}
      {(!none || archived) && !list.pending && (
        <div className="documents-grid">
          <div className="column">
            <div className="row">
              <Select
                aria-label="Model for token counts"
                placeholder="Tokens of model"
                nothingFoundMessage="Add a model on the Models page"
                data={(models.data ?? []).map((entry) => ({ value: entry.fingerprint, label: entry.name }))}
                value={chosen?.fingerprint ?? null}
                w={170}
                onChange={setModel}
              />
              <Button
                variant="default"
                disabled={chosen === undefined || uncounted === 0}
                title={chosen === undefined ? 'Add a model on the Models page first' : undefined}
                loading={countTokens.isPending}
                onClick={() => {
                  if (chosen !== undefined) countTokens.mutate({ modelDir: chosen.path });
                }}
              >
                {uncounted === 0 && tokens.length > 0 ? 'Tokens counted' : 'Count tokens'}
              </Button>
              <Switch
                className="end"
                label="Archived"
                checked={archived}
                onChange={(event) => {
                  showArchived(event.currentTarget.checked);
                }}
              />
            </div>
            <DataTable
              name="documents"
              label="Documents"
              rows={rows}
              columns={columns}
              rowId={(row) => row.id}
              selected={shown?.id ?? null}
              onSelect={(row) => goTo('documents', row.id)}
              filterHint="Title, kind or source"
            />
          </div>
          <div className="column">
            {rows.length > 0 && (
              <LengthHistogram
                lengths={tokens.length > 0 ? tokens : characters}
                unit={tokens.length > 0 ? 'tokens' : 'characters'}
                contextLength={chosen?.report.contextLength ?? null}
              />
            )}
            {linked.isError && <ErrorPanel error={linked.error} />}
            {none && <Empty title="Nothing is archived" />}
            {shown !== undefined && (
              <>
                <DocumentHead id={shown.id} title={shown.title} archived={shown.archivedAt !== null} />
                <Reader key={shown.id} id={shown.id} at={place(query['at'])} end={place(query['end'])} />
              </>
            )}
          </div>
        </div>
      )}
    </Page>
  );
}

function DocumentHead({
  id,
  title,
  archived,
}: {
  readonly id: number;
  readonly title: string;
  readonly archived: boolean;
}) {
  const set = useApiMutation('documents.setArchived');
  return (
    <div className="row" style={{ flexWrap: 'nowrap' }}>
      <h2 className="ellipsis" style={{ margin: 0 }} title={title}>
        {title}
      </h2>
      {archived && <span className="muted">archived</span>}
      {set.isError && <span style={{ color: 'var(--fail)' }}>{set.error.message}</span>}
      <Button
        className="end"
        size="compact-xs"
        variant="default"
        title={archived ? undefined : 'It is kept, with its pairs, but not used for new ones'}
        onClick={() => set.mutate({ id, archived: !archived })}
      >
        {archived ? 'Restore' : 'Archive'}
      </Button>
    </div>
  );
}
