import { Button, Select, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { ImportReport } from '../../../shared/documents.ts';
import { useApi, useApiMutation } from '../../api/client.ts';
import { goTo } from '../../app/router.ts';
import { formatCount } from '../../components/format.ts';
import { Page } from '../../components/page.tsx';
import { PathField } from '../../components/path-field.tsx';
import { Empty, ErrorPanel, Loading } from '../../components/states.tsx';
import { histogram } from './histogram.ts';
import { Reader } from './reader.tsx';

/** Documents of the workspace: import, lengths, one to read. */
export function DocumentsPage({ rest }: { readonly rest: readonly string[] }) {
  const selected = Number(rest[0] ?? 0);
  const models = useApi('models.list', {});
  const [model, setModel] = useState<string | null>(null);
  const fingerprint = model ?? models.data?.[0]?.fingerprint;
  const [search, setSearch] = useState('');
  const list = useApi(
    'documents.list',
    {
      limit: 500,
      ...(search === '' ? {} : { search }),
      ...(fingerprint === undefined ? {} : { modelFingerprint: fingerprint }),
    },
    { keep: true },
  );
  const lengths = useApi('documents.lengths', fingerprint === undefined ? {} : { modelFingerprint: fingerprint });
  const load = useApiMutation('documents.import');
  const count = useApiMutation('documents.countTokens');
  const jobs = useApi('jobs.list', {});
  const [path, setPath] = useState('');
  const last = jobs.data?.find(({ kind, status }) => kind === 'import' && status === 'finished')?.result as
    ImportReport | undefined;
  const current = list.data?.rows.find(({ id }) => id === selected) ?? list.data?.rows[0];
  const modelDir = models.data?.find((candidate) => candidate.fingerprint === fingerprint)?.path;
  const inTokens = (lengths.data?.tokens?.length ?? 0) > 0;
  const bins = histogram((inTokens ? lengths.data?.tokens : lengths.data?.characters) ?? []);
  const tallest = bins.reduce((most, bin) => Math.max(most, bin.count), 1);
  const problems = last?.files.flatMap((file) => file.problems) ?? [];
  return (
    <Page
      title="Documents"
      note={list.data === undefined ? '' : `${formatCount(lengths.data?.characters.length ?? 0)} documents`}
    >
      <div style={{ display: 'flex', gap: 8, alignItems: 'flex-end' }}>
        <div style={{ flex: 1 }}>
          <PathField label="Import a file or a folder" kind="files" value={path} onChange={setPath} />
        </div>
        <Button
          disabled={path === ''}
          loading={load.isPending}
          onClick={() => {
            load.mutate({ paths: [path] });
          }}
        >
          Import
        </Button>
      </div>
      {load.isError && <ErrorPanel error={load.error} />}
      {last !== undefined && (
        <div className="muted">
          Last import: {formatCount(last.imported)} documents, {formatCount(last.duplicates)} duplicates,{' '}
          {formatCount(last.problems)} problems.
          {problems.slice(0, 20).map((problem) => (
            <div key={`${problem.path} ${problem.line}`} style={{ color: 'var(--warn)' }}>
              {problem.path}
              {problem.line === null ? '' : `, line ${problem.line}`}: {problem.reason}
            </div>
          ))}
        </div>
      )}
      {list.isError && <ErrorPanel error={list.error} />}
      {list.isPending && <Loading />}
      {list.data?.rows.length === 0 && search === '' && (
        <Empty title="No documents yet">
          Long texts that the model shall learn to read. Import a file or a folder above.
        </Empty>
      )}
      {((list.data?.rows.length ?? 0) > 0 || search !== '') && (
        <div
          style={{
            display: 'grid',
            gridTemplateColumns: 'minmax(0, 5fr) minmax(0, 6fr)',
            gap: 12,
            flex: 1,
            minHeight: 420,
          }}
        >
          <div style={{ display: 'flex', flexDirection: 'column', minHeight: 0 }}>
            <div style={{ display: 'flex', gap: 8, marginBottom: 6 }}>
              <TextInput
                size="xs"
                placeholder="Title or source"
                aria-label="Search documents"
                value={search}
                onChange={(event) => {
                  setSearch(event.currentTarget.value);
                }}
              />
              <Select
                size="xs"
                aria-label="Model for token counts"
                placeholder="Tokens of model"
                data={(models.data ?? []).map((entry) => ({ value: entry.fingerprint, label: entry.name }))}
                value={fingerprint ?? null}
                onChange={setModel}
              />
              <Button
                size="xs"
                variant="default"
                disabled={modelDir === undefined}
                onClick={() => {
                  count.mutate({ modelDir: modelDir ?? '' });
                }}
              >
                Count tokens
              </Button>
            </div>
            <div style={{ overflow: 'auto', flex: 1, border: '1px solid var(--line)', borderRadius: 4 }} tabIndex={0}>
              <table className="data">
                <thead>
                  <tr>
                    <th>Title</th>
                    <th className="number">Tokens</th>
                    <th className="number">Characters</th>
                    <th className="number">Pairs</th>
                  </tr>
                </thead>
                <tbody>
                  {list.data?.rows.map((row) => (
                    <tr
                      key={row.id}
                      className="selectable"
                      aria-selected={row.id === current?.id}
                      onClick={() => {
                        goTo('documents', row.id);
                      }}
                    >
                      <td title={row.sourcePath}>{row.title}</td>
                      <td className="number">{row.tokens === null ? '' : formatCount(row.tokens)}</td>
                      <td className="number">{formatCount(row.characters)}</td>
                      <td className="number">{row.pairs === 0 ? '' : formatCount(row.pairs)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          </div>
          <div style={{ display: 'flex', flexDirection: 'column', minHeight: 0, gap: 8 }}>
            <figure style={{ margin: 0 }} aria-label="Lengths of documents">
              <div style={{ display: 'flex', alignItems: 'flex-end', height: 72, gap: 1 }}>
                {bins.map((bin) => (
                  <div
                    key={bin.from}
                    title={`${formatCount(Math.round(bin.from))} to ${formatCount(Math.round(bin.to))}: ${bin.count}`}
                    style={{
                      flex: 1,
                      height: `${(100 * bin.count) / tallest}%`,
                      background: 'var(--short)',
                      minHeight: bin.count > 0 ? 2 : 0,
                    }}
                  />
                ))}
              </div>
              <figcaption className="muted" style={{ display: 'flex', justifyContent: 'space-between' }}>
                <span>{formatCount(Math.round(bins[0]?.from ?? 0))}</span>
                <span>{inTokens ? 'tokens a document' : 'characters a document'}</span>
                <span>{formatCount(Math.round(bins.at(-1)?.to ?? 0))}</span>
              </figcaption>
            </figure>
            {current !== undefined && <Reader key={current.id} id={current.id} length={current.characters} />}
          </div>
        </div>
      )}
    </Page>
  );
}
