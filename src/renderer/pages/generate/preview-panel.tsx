import { Button, Select } from '@mantine/core';
import { useState } from 'react';
import type { InstructionTemplate } from '../../../shared/instruction-templates.ts';
import { useApi } from '../../api/client.ts';
import { useAllRows } from '../../api/use-all-rows.ts';
import { hrefOf } from '../../app/router.ts';
import { formatCount } from '../../components/format.ts';
import { ErrorPanel, Loading } from '../../components/states.tsx';

/** The request as the model gets it, on a document and chunk of the person's choice. */
export function PreviewPanel({
  template,
  valid,
}: {
  readonly template: InstructionTemplate;
  /** Whether the template can be filled in; its problems stand at its fields. */
  readonly valid: boolean;
}) {
  const documents = useAllRows('documents.list', {});
  const [documentId, chooseDocument] = useState<number | null>(null);
  const [chunkIndex, chooseChunk] = useState<number | null>(null);
  const preview = useApi(
    'generations.preview',
    {
      template,
      ...(documentId === null ? {} : { documentId }),
      ...(chunkIndex === null ? {} : { chunkIndex }),
    },
    { keep: true, enabled: valid },
  );
  const { data } = preview;
  const chosen = documentId ?? documents.rows[0]?.id ?? null;
  const place = data?.chunkIndex ?? null;
  return (
    <section className="panel" aria-label="What the model gets">
      <h2>What the model gets</h2>
      <div className="row" style={{ flexWrap: 'nowrap' }}>
        <Select
          aria-label="Document of the preview"
          style={{ flex: 1, minWidth: 0 }}
          placeholder="No document yet"
          searchable
          limit={100}
          allowDeselect={false}
          data={documents.rows.map(({ id, title }) => ({ value: String(id), label: title }))}
          value={chosen === null ? null : String(chosen)}
          onChange={(value) => {
            chooseDocument(value === null ? null : Number(value));
            chooseChunk(null);
          }}
        />
        <Button
          size="compact-sm"
          variant="default"
          aria-label="Chunk before"
          disabled={place === null || place === 0}
          onClick={() => {
            chooseChunk((place ?? 1) - 1);
          }}
        >
          {'<'}
        </Button>
        <span style={{ whiteSpace: 'nowrap' }}>
          {place === null || data === undefined
            ? 'not cut yet'
            : `chunk ${formatCount(place + 1)} of ${formatCount(data.chunks)}`}
        </span>
        <Button
          size="compact-sm"
          variant="default"
          aria-label="Next chunk"
          disabled={place === null || data === undefined || place + 1 >= data.chunks}
          onClick={() => {
            chooseChunk((place ?? 0) + 1);
          }}
        >
          {'>'}
        </Button>
      </div>
      {!valid && <p className="muted">The template cannot be filled in as it stands; this is how it was before.</p>}
      {preview.isError && documents.rows.length > 0 && <ErrorPanel error={preview.error} />}
      {preview.isPending && valid && <Loading />}
      {documents.rows.length === 0 && !documents.pending && (
        <p className="muted">
          <a href={hrefOf('documents')}>Import documents first.</a>
        </p>
      )}
      {data !== undefined && !preview.isError && (
        <div
          className="mono text"
          role="region"
          aria-label="Request"
          style={{ maxHeight: 300, overflow: 'auto', marginTop: 8 }}
          tabIndex={0}
        >
          <Filled prompt={data.prompt} chunk={data.chunk} />
        </div>
      )}
    </section>
  );
}

/** The request with the chunk marked in it. */
function Filled({ prompt, chunk }: { readonly prompt: string; readonly chunk: string }) {
  const from = chunk === '' ? -1 : prompt.indexOf(chunk);
  if (from < 0) return prompt;
  return (
    <>
      {prompt.slice(0, from)}
      <span className="mark-short">{chunk}</span>
      {prompt.slice(from + chunk.length)}
    </>
  );
}
