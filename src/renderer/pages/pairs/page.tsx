import './audit.css';
import { Button, Switch } from '@mantine/core';
import { useCallback, useMemo, useState } from 'react';
import { z } from 'zod';
import type { ShownVerdict } from '../../../shared/audit/answer-order.ts';
import { useApi } from '../../api/client.ts';
import { useCommands } from '../../commands/active-commands.ts';
import { formatCount } from '../../components/format.ts';
import { Page } from '../../components/page.tsx';
import { Empty, ErrorPanel, Loading } from '../../components/states.tsx';
import { useSetting } from '../../settings/use-setting.ts';
import { auditViewSchema, filterCount, firstView, queueOf } from './audit-view.ts';
import type { AuditView } from './audit-view.ts';
import { CommentDialog } from './comment-dialog.tsx';
import { EditDialog } from './edit-dialog.tsx';
import { PairView } from './pair-view.tsx';
import { QueueBar } from './queue-bar.tsx';
import { QueueList } from './queue-list.tsx';
import { nextInQueue } from './queue-steps.ts';
import type { Marks } from './queue-steps.ts';
import { ScoreDialog } from './score-dialog.tsx';
import { chosenSource } from '../../components/score-source.ts';
import { useReviewer } from '../../settings/use-reviewer.ts';
import { ReviewerField } from './reviewer-field.tsx';
import { useAuditActs } from './use-audit-acts.ts';
import { useAuditPair } from './use-audit-pair.ts';
import { useAuditQueue } from './use-audit-queue.ts';
import { usePlace } from './use-place.ts';
import { VerdictBar } from './verdict-bar.tsx';

const blindSettingSchema = z.boolean();
const markedSchema = z.strictObject({ differences: z.boolean(), evidence: z.boolean() });
const allMarked = { differences: true, evidence: true };
/** Sides depend on this, the pair, the reviewer and a number that the workspace keeps to itself; it must never change, or a pair that comes back would look another way. */
const shuffled = { seed: 0 };

/** The audit: one pair after the other, a verdict by one key, each stored before the next pair shows. */
export function PairsPage({ rest }: { readonly rest: readonly string[] }) {
  const [view, setView] = useSetting<AuditView>('audit.view', auditViewSchema, firstView);
  const [reviewer, setReviewer] = useReviewer();
  const [blindWanted, setBlind] = useSetting('audit.blind', blindSettingSchema, false);
  const [marked, setMarked] = useSetting('audit.marked', markedSchema, allMarked);
  const [dialog, showDialog] = useState<'edit' | 'comment' | null>(null);
  const [scoring, showScoring] = useState(false);
  const [atEnd, setAtEnd] = useState(false);
  const blind = blindWanted ? shuffled : null;

  const runs = useApi('audit.scoredRuns', {});
  const models = useApi('audit.scoredModels', {});
  const sources = useMemo(() => ({ runs: runs.data ?? [], models: models.data ?? [] }), [runs.data, models.data]);
  const source = chosenSource(view, sources);
  const queue = useMemo(() => queueOf(view, reviewer, sources), [view, reviewer, sources]);
  const known = (runs.data !== undefined || view.run === null) && (models.data !== undefined || view.model === null);
  const state = useAuditQueue(queue, reviewer, known);
  const { ids = none, marks, counts, note, refresh } = state;
  const returns = view.queue === 'unreviewed';
  const { id, picked, select } = usePlace(rest, state.ids, marks, returns);
  const next = nextInQueue(ids, id, marks, returns);
  const afterNext = next === null ? null : nextInQueue(ids, next, marks, returns);
  const pair = useAuditPair(id, [next, afterNext], reviewer, blind);

  const acts = useAuditActs({
    pair: pair.data,
    ...{ reviewer, blind, queue, picked },
    onStored: (judged, { verdict }) => {
      if (verdict == null) return refresh(judged.id);
      note(judged.id, standing(marks, judged.id, judged.own), verdict);
      setAtEnd(next === null && !returns);
      if (next !== null || returns) select(next, false);
      return undefined;
    },
    onUndone: async (pairId, verdict) => {
      if (verdict) note(pairId, null, null);
      await refresh(pairId);
      setAtEnd(false);
      select(pairId, true);
    },
    onConflict: refresh,
  });
  const { record, undo, clearError } = acts;
  const go = useCallback(
    (to: number | null | undefined): void => {
      if (to == null) return;
      clearError();
      setAtEnd(false);
      select(to, true);
    },
    [clearError, select],
  );
  const change = (nextView: AuditView): void => {
    setView(nextView);
    clearError();
    setAtEnd(false);
    select(null, false);
  };
  const verdict = (name: ShownVerdict) => (): void => void record({ verdict: name });
  const show = (which: 'edit' | 'comment') => (): void => {
    if (pair.data === undefined) return;
    clearError();
    showDialog(which);
  };
  const at = id === null ? -1 : ids.indexOf(id);
  useCommands({
    'pairs.a_better': verdict('first_better'),
    'pairs.b_better': verdict('second_better'),
    'pairs.both_good': verdict('both_good'),
    'pairs.both_bad': verdict('both_bad'),
    'pairs.broken_instruction': verdict('broken_instruction'),
    'pairs.skip': verdict('skipped'),
    'pairs.edit': show('edit'),
    'pairs.comment': show('comment'),
    'pairs.undo': () => void undo(),
    'pairs.next': () => {
      const following = ids[at + 1];
      if (following === undefined) return;
      clearError();
      select(following, false);
    },
    'pairs.previous': () => {
      go(ids[at - 1]);
    },
    'pairs.blind': () => {
      setBlind(!blindWanted);
    },
    'pairs.differences': () => {
      setMarked({ ...marked, differences: !marked.differences });
    },
    'pairs.evidence': () => {
      setMarked({ ...marked, evidence: !marked.evidence });
    },
  });

  const own = id === null ? null : standing(marks, id, pair.data?.own ?? null);
  const forced = !blindWanted && pair.data !== undefined && pair.data.order === null;
  const failed = acts.error !== null && dialog === null;
  const close = (): void => {
    showDialog(null);
  };
  return (
    <Page
      title="Pairs"
      note={counts === undefined ? '' : `${formatCount(counts.all)} pairs`}
      actions={
        <>
          {!forced && (
            <Button
              variant="default"
              disabled={(counts?.all ?? 0) === 0}
              onClick={() => {
                showScoring(true);
              }}
            >
              Score pairs
            </Button>
          )}
          <ReviewerField reviewer={reviewer} onChange={setReviewer} />
          <Switch
            size="sm"
            label={forced ? 'Blind (the bundle asks for it)' : 'Blind'}
            checked={blindWanted || forced}
            disabled={forced}
            onChange={(event) => {
              setBlind(event.currentTarget.checked);
            }}
          />
        </>
      }
    >
      <QueueBar {...{ view, counts, sources }} blind={blindWanted || forced} onChange={change} />
      {state.error !== null && <ErrorPanel error={state.error} retry={state.reload} />}
      {failed && (
        <div>
          <strong>Not stored. The pair stays as it is.</strong>
          <ErrorPanel error={acts.error} />
        </div>
      )}
      {atEnd && <div role="status">That was the last pair of this queue.</div>}
      <div className="audit">
        {state.ids === undefined ? (
          state.error === null && <Loading />
        ) : (
          <>
            {ids.length > 0 && (
              <QueueList
                {...{ ids, version: state.version, marks, reviewer, blind }}
                selected={id}
                source={blind === null && !forced ? source : null}
                sources={sources}
                onSelect={go}
              />
            )}
            {id === null ? (
              <NothingLeft view={view} total={counts?.all ?? 0} onReload={state.reload} onChange={change} />
            ) : pair.isError ? (
              <ErrorPanel error={pair.error} retry={() => void pair.refetch()} />
            ) : pair.data === undefined ? (
              <Loading />
            ) : (
              <PairView pair={pair.data} marked={marked} onSelect={go} />
            )}
          </>
        )}
      </div>
      <VerdictBar
        own={own}
        disabled={pair.data === undefined}
        counts={counts}
        pace={acts.pace}
        message={acts.message}
      />
      <ScoreDialog
        opened={scoring}
        onClose={() => {
          showScoring(false);
        }}
      />
      {pair.data !== undefined && (
        <>
          <EditDialog
            key={`edit ${pair.data.id}`}
            pair={pair.data}
            opened={dialog === 'edit'}
            error={acts.error}
            busy={acts.busy}
            onClose={close}
            onSave={record}
          />
          <CommentDialog
            key={`comment ${pair.data.id}`}
            pairId={pair.data.id}
            opened={dialog === 'comment'}
            error={acts.error}
            busy={acts.busy}
            onClose={close}
            onSave={record}
          />
        </>
      )}
    </Page>
  );
}

const none: readonly number[] = [];

/** The reviewer's verdict on a pair as it stands now. */
function standing(marks: Marks, id: number, before: ShownVerdict | null): ShownVerdict | null {
  const mark = marks.get(id);
  return mark === undefined ? before : mark;
}

/** The queue has no pair (left). */
function NothingLeft({
  view,
  total,
  onReload,
  onChange,
}: {
  readonly view: AuditView;
  /** Pairs that fit the filters, in whatever queue. */
  readonly total: number;
  readonly onReload: () => void;
  readonly onChange: (next: AuditView) => void;
}) {
  const narrowed = filterCount(view) > 0 || view.search !== '';
  if (total === 0 && !narrowed) return <Empty title="No pairs here">Pairs come from the Generate page.</Empty>;
  if (total === 0) {
    return (
      <Empty title="No pair fits">
        <Button
          variant="default"
          onClick={() => {
            onChange({ ...firstView, queue: view.queue, seed: view.seed });
          }}
        >
          Clear search and filters
        </Button>
      </Empty>
    );
  }
  return (
    <Empty title={view.queue === 'unreviewed' ? 'Everything is reviewed' : 'No pairs in this queue'}>
      <div className="row">
        Choose another queue above, or
        <Button variant="default" onClick={onReload}>
          look for new pairs
        </Button>
      </div>
    </Empty>
  );
}
