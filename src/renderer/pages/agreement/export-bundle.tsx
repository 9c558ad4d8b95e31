import { Button, NumberInput, SegmentedControl, Select, Switch, TextInput, Textarea } from '@mantine/core';
import { useState } from 'react';
import type { ExportedBundle } from '../../../shared/audit/bundle-requests.ts';
import type { AuditFilter } from '../../../shared/audit/queue.ts';
import { scoreNames } from '../../../shared/audit/queue.ts';
import { importerNameSchema } from '../../../shared/import-kinds.ts';
import { pairQueues } from '../../../shared/pairs.ts';
import { isAlive } from '../../../shared/api/jobs.ts';
import { useApi, useApiMutation } from '../../api/client.ts';
import { fieldError } from '../../components/field-error.tsx';
import { formatBytes, formatCount } from '../../components/format.ts';
import { PathField } from '../../components/path-field.tsx';
import { noBounds, rangeOf } from '../../components/bounds.ts';
import { BoundsFields } from '../../components/bounds-fields.tsx';
import { ErrorPanel } from '../../components/states.tsx';
import { JobLine } from '../../jobs/job-line.tsx';
import { useJob } from '../../jobs/use-job.ts';
import { scoreLabels, sourceList, sourceOf } from '../../components/score-source.ts';

const queueNames: Readonly<Record<(typeof pairQueues)[number], string>> = {
  all: 'all pairs',
  unreviewed: 'not reviewed yet',
  disagreement: 'reviewers differ',
  flagged: 'flagged by a filter',
  done: 'reviewed',
};

/** Which pairs go to an annotator, how much of their documents goes along, and how they are shown there. */
export function ExportBundleForm() {
  const [queue, setQueue] = useState<AuditFilter['queue']>('all');
  const [jobId, setGeneration] = useState('');
  const [flag, setFlag] = useState('');
  const [search, setSearch] = useState('');
  const [documentType, setDocumentType] = useState('');
  const [documentCharacters, setDocumentCharacters] = useState(noBounds);
  const [answerCharacters, setAnswerCharacters] = useState(noBounds);
  const [source, setSource] = useState<string | null>(null);
  const [scoreOf, setScoreOf] = useState<(typeof scoreNames)[number]>('margin');
  const [score, setScore] = useState(noBounds);
  const [order, setOrder] = useState<'random' | 'made'>('random');
  const [seed, setSeed] = useState(0);
  const [limit, setLimit] = useState(200);
  const [documents, setDocuments] = useState<'excerpt' | 'whole'>('excerpt');
  const [around, setAround] = useState(4000);
  const [blind, setBlind] = useState(true);
  const [note, setNote] = useState('');
  const [path, setPath] = useState('');
  const [exportId, setExport] = useState<number | null>(null);
  const generations = useApi('generations.list', { limit: 500 });
  const start = useApiMutation('bundles.export');
  const job = useJob(exportId);
  const runs = useApi('audit.scoredRuns', {}).data ?? [];
  const models = useApi('audit.scoredModels', {}).data ?? [];
  const type = importerNameSchema.safeParse(documentType);
  const scored = sourceOf(source);
  const [documentRange, answerRange] = [rangeOf(documentCharacters), rangeOf(answerCharacters)];
  const filter: AuditFilter = {
    queue,
    ...(jobId === '' ? {} : { jobId: Number(jobId) }),
    ...(flag.trim() === '' ? {} : { flags: [flag.trim()] }),
    ...(search === '' ? {} : { search }),
    ...(type.success ? { documentType: type.data } : {}),
    ...(documentRange === undefined ? {} : { documentCharacters: documentRange }),
    ...(answerRange === undefined ? {} : { answerCharacters: answerRange }),
    ...(scored === null ? {} : { score: { ...scored, of: scoreOf, range: rangeOf(score) ?? {} } }),
  };
  const fits = useApi('bundles.fits', { filter }, { keep: true });
  const pairs = fits.data?.pairs;
  const narrowed =
    queue === 'done' || queue === 'flagged' || queue === 'disagreement' || Object.keys(filter).length > 1;
  return (
    <section className="panel" aria-label="Export a review bundle">
      <h2>Send pairs to an annotator</h2>
      <p className="muted">
        One file with pairs and their texts, for another machine without model or GPU. Give two annotators the same file
        to measure their agreement.
      </p>
      <div style={{ display: 'grid', gridTemplateColumns: '1fr 1fr', gap: 8 }}>
        <Select
          label="Which pairs"
          data={pairQueues.map((value) => ({ value, label: queueNames[value] }))}
          value={queue}
          allowDeselect={false}
          onChange={(value) => setQueue(pairQueues.find((name) => name === value) ?? 'all')}
        />
        <Select
          label="Of generation"
          data={[
            { value: '', label: 'all generations' },
            ...(generations.data?.rows ?? []).map(({ id, name }) => ({ value: String(id), label: `#${id} ${name}` })),
          ]}
          value={jobId}
          allowDeselect={false}
          onChange={(value) => setGeneration(value ?? '')}
        />
        <TextInput label="With the flag" value={flag} onChange={(event) => setFlag(event.currentTarget.value)} />
        <TextInput
          label="That contain the text"
          value={search}
          maxLength={1000}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
        <Select
          label="Type of document"
          placeholder="any"
          clearable
          data={[...importerNameSchema.options]}
          value={documentType === '' ? null : documentType}
          onChange={(value) => setDocumentType(value ?? '')}
        />
        <Select
          label="Log-ratios of"
          placeholder={runs.length + models.length === 0 ? 'there are none yet' : 'not looked at'}
          disabled={runs.length + models.length === 0}
          clearable
          data={sourceList({ runs, models })}
          value={source}
          onChange={setSource}
        />
        <BoundsFields
          label="Length of the document, characters"
          bounds={documentCharacters}
          onChange={setDocumentCharacters}
        />
        <BoundsFields
          label="Length of the longer answer, characters"
          bounds={answerCharacters}
          onChange={setAnswerCharacters}
        />
        {scored !== null && (
          <>
            <Select
              label="Log-ratio"
              data={scoreNames.map((value) => ({ value, label: scoreLabels[value] }))}
              value={scoreOf}
              allowDeselect={false}
              onChange={(value) => setScoreOf(scoreNames.find((name) => name === value) ?? 'margin')}
            />
            <BoundsFields label="Log-ratio, nats" bounds={score} decimals onChange={setScore} />
          </>
        )}
        <NumberInput
          label="Pairs at most"
          value={limit}
          min={1}
          max={100_000}
          allowDecimal={false}
          clampBehavior="strict"
          onChange={(value) => {
            if (typeof value === 'number' && value >= 1) setLimit(value);
          }}
        />
        <NumberInput
          label="Seed of the random sample"
          value={seed}
          min={0}
          max={0xffffffff}
          allowDecimal={false}
          clampBehavior="strict"
          disabled={order === 'made'}
          onChange={(value) => {
            if (typeof value === 'number') setSeed(value);
          }}
        />
      </div>
      <div className="row" style={{ marginTop: 8 }}>
        <SegmentedControl
          size="xs"
          aria-label="Order"
          value={order}
          data={[
            { value: 'random', label: 'random sample' },
            { value: 'made', label: 'as generated' },
          ]}
          onChange={setOrder}
        />
        <SegmentedControl
          size="xs"
          aria-label="Documents"
          value={documents}
          data={[
            { value: 'excerpt', label: 'excerpts' },
            { value: 'whole', label: 'whole documents' },
          ]}
          onChange={setDocuments}
        />
        {documents === 'excerpt' && (
          <NumberInput
            aria-label="Characters around each chunk"
            value={around}
            min={0}
            max={10_000_000}
            step={1000}
            allowDecimal={false}
            suffix=" characters around the chunk"
            clampBehavior="strict"
            w={215}
            onChange={(value) => {
              if (typeof value === 'number') setAround(value);
            }}
          />
        )}
        <Switch
          label="Blind: hide which answer is the chosen one"
          checked={blind}
          onChange={(event) => setBlind(event.currentTarget.checked)}
        />
      </div>
      <Textarea
        label="Note for the annotator"
        autosize
        minRows={1}
        maxRows={6}
        maxLength={20_000}
        mt={8}
        value={note}
        onChange={(event) => setNote(event.currentTarget.value)}
      />
      <p style={{ margin: '8px 0' }} role="status">
        {pairs === undefined
          ? ''
          : pairs === 0
            ? 'No pair fits.'
            : `${formatCount(Math.min(pairs, limit))} of ${formatCount(pairs)} pairs that fit go along. `}
        {order === 'made' && (
          <span style={{ color: 'var(--warn)' }}>In this order they are no sample of the others. </span>
        )}
        {order === 'random' && narrowed && (
          <span className="muted">The error rate found will speak for the pairs that fit only.</span>
        )}
      </p>
      {fits.isError && <ErrorPanel error={fits.error} />}
      <PathField
        label="Bundle to write"
        kind="save"
        suggestion="audit.bundle.jsonl"
        value={path}
        onChange={setPath}
        error={fieldError(start.error)}
        action={
          <Button
            disabled={path.trim() === '' || pairs === 0}
            loading={start.isPending || isAlive(job)}
            onClick={() => {
              const request = {
                ...{ path, filter, order, seed, limit, blind, note },
                documents: documents === 'whole' ? ('whole' as const) : { excerpt: around },
              };
              start.mutate(request, { onSuccess: ({ jobId: id }) => setExport(id) });
            }}
          >
            Export bundle
          </Button>
        }
      />
      <JobLine
        job={job}
        done={(result) => {
          const { pairs: written, bytes, path: file } = result as ExportedBundle;
          return `${formatCount(written)} pairs (${formatBytes(bytes)}) written to ${file}. The annotator opens it on the Home page.`;
        }}
      />
    </section>
  );
}
