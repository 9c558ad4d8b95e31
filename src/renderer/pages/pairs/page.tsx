import { Button, Modal, SegmentedControl, Switch, TextInput, Textarea } from '@mantine/core';
import { useCallback, useEffect, useRef, useState } from 'react';
import { z } from 'zod';
import type { NewReview, PairDetail, PairEdit, Verdict } from '../../../shared/pairs.ts';
import { pairQueues } from '../../../shared/pairs.ts';
import { call, useApi } from '../../api/client.ts';
import { useCommands } from '../../commands/active-commands.ts';
import { useKeyLabel } from '../../commands/use-keymap.ts';
import { formatCount, formatDuration } from '../../components/format.ts';
import { Page } from '../../components/page.tsx';
import { Empty, ErrorPanel, Loading } from '../../components/states.tsx';
import { useSetting } from '../../settings/use-setting.ts';
import { sidesOf } from './blind-sides.ts';
import { wordDiff } from './word-diff.ts';
import type { Stretch } from './word-diff.ts';

type Queue = (typeof pairQueues)[number];

/** The longest time that counts as work on one pair: who goes for lunch does not slow the pace down. */
const longestLook = 10 * 60_000;

const blindSchema = z.boolean();
const reviewerSchema = z.string().min(1).max(100);

/** Short enough for all of them to stand in one line. */
const barLabels = {
  'pairs.a_better': 'A better',
  'pairs.b_better': 'B better',
  'pairs.both_good': 'both good',
  'pairs.both_bad': 'both bad',
  'pairs.broken_instruction': 'broken',
  'pairs.edit': 'edit',
  'pairs.skip': 'skip',
  'pairs.comment': 'comment',
  'pairs.undo': 'undo',
};

/** The audit: one pair after the other, a verdict by one key, each stored before the next pair shows. */
export function PairsPage() {
  const [queue, setQueue] = useState<Queue>('unreviewed');
  const [search, setSearch] = useState('');
  const [selected, select] = useState<number | null>(null);
  const [blind, setBlind] = useSetting('audit.blind', blindSchema, false);
  const [reviewer, setReviewer] = useSetting('audit.reviewer', reviewerSchema, 'me');
  const [error, setError] = useState<unknown>(null);
  const [history, setHistory] = useState<readonly { pairId: number; reviewId: number }[]>([]);
  const [editing, edit] = useState(false);
  const [commenting, comment] = useState(false);
  const [saving, setSaving] = useState(false);
  const counts = useApi('pairs.counts', {});
  const pace = useApi('reviews.pace', { reviewer }, { keep: true });
  const list = useApi('pairs.list', { queue, limit: 200, ...(search === '' ? {} : { search }) }, { keep: true });
  const rows = list.data?.rows ?? [];
  const id = selected ?? rows[0]?.id ?? null;
  const detail = useApi('pairs.detail', { id: id ?? 0 }, { enabled: id !== null });
  const began = useRef(0);
  useEffect(() => {
    began.current = performance.now();
  }, [id]);

  const move = useCallback(
    (by: number): void => {
      const at = rows.findIndex((row) => row.id === id);
      const next = rows[Math.max(0, Math.min(rows.length - 1, at + by))];
      if (next !== undefined) select(next.id);
    },
    [rows, id],
  );

  /** Stores a review; only then does the next pair show. */
  const store = useCallback(
    async (review: Omit<NewReview, 'pairId' | 'reviewer' | 'blind' | 'milliseconds'>, goOn: boolean): Promise<void> => {
      if (id === null || saving) return;
      setSaving(true);
      try {
        const milliseconds = Math.round(Math.min(longestLook, performance.now() - began.current));
        const answer = await call('reviews.append', { pairId: id, reviewer, blind, milliseconds, ...review });
        setHistory((before) => [...before, { pairId: id, reviewId: answer.id }]);
        setError(null);
        if (goOn) {
          const at = rows.findIndex((row) => row.id === id);
          select((rows[at + 1] ?? rows[at - 1])?.id ?? null);
        }
      } catch (problem) {
        setError(problem);
      } finally {
        setSaving(false);
      }
    },
    [id, saving, reviewer, blind, rows],
  );

  const sides = sidesOf(id ?? 0, reviewer, blind);
  const verdict = useCallback(
    (name: Verdict): void => {
      void store({ verdict: name }, true);
    },
    [store],
  );
  const better = useCallback(
    (side: 0 | 1): void => {
      verdict(sides[side] === 'chosen' ? 'chosen_better' : 'rejected_better');
    },
    [sides, verdict],
  );
  const undo = useCallback(async (): Promise<void> => {
    const last = history.at(-1);
    if (last === undefined) return;
    try {
      await call('reviews.append', { pairId: last.pairId, reviewer, blind, milliseconds: 0, undoes: last.reviewId });
      setHistory((before) => before.slice(0, -1));
      select(last.pairId);
      setError(null);
    } catch (problem) {
      setError(problem);
    }
  }, [history, reviewer, blind]);

  const actions = {
    'pairs.a_better': () => better(0),
    'pairs.b_better': () => better(1),
    'pairs.both_good': () => verdict('both_good'),
    'pairs.both_bad': () => verdict('both_bad'),
    'pairs.broken_instruction': () => verdict('broken_instruction'),
    'pairs.edit': () => edit(true),
    'pairs.skip': () => verdict('skipped'),
    'pairs.comment': () => comment(true),
    'pairs.undo': () => void undo(),
  };
  const labelOf = useKeyLabel();
  useCommands({
    ...actions,
    'pairs.next': () => move(1),
    'pairs.previous': () => move(-1),
    'pairs.blind': () => setBlind(!blind),
  });

  const all = counts.data;
  const each =
    pace.data !== undefined && pace.data.reviews > 0 ? pace.data.milliseconds / pace.data.reviews / 1000 : null;
  return (
    <Page
      title="Pairs"
      note={all === undefined ? '' : `${formatCount(all.all)} pairs`}
      actions={
        <>
          <TextInput
            size="xs"
            aria-label="Reviewer"
            value={reviewer}
            onChange={(event) => {
              setReviewer(event.currentTarget.value === '' ? 'me' : event.currentTarget.value);
            }}
            w={110}
          />
          <Switch
            size="sm"
            label="Blind"
            checked={blind}
            onChange={(event) => {
              setBlind(event.currentTarget.checked);
            }}
          />
        </>
      }
    >
      <div style={{ display: 'flex', gap: 8, alignItems: 'center' }}>
        <SegmentedControl
          size="xs"
          value={queue}
          onChange={(value) => {
            setQueue(value);
            select(null);
          }}
          data={pairQueues.map((value) => ({
            value,
            label: `${value} ${all === undefined ? '' : formatCount(all[value])}`,
          }))}
        />
        <TextInput
          size="xs"
          placeholder="Search questions and answers"
          aria-label="Search"
          value={search}
          onChange={(event) => {
            setSearch(event.currentTarget.value);
          }}
          w={240}
        />
      </div>
      {error !== null && <ErrorPanel error={error} />}
      {list.isError && <ErrorPanel error={list.error} />}
      {list.isPending && <Loading />}
      {list.data !== undefined && rows.length === 0 && (
        <Empty title={queue === 'unreviewed' && (all?.all ?? 0) > 0 ? 'Everything is reviewed' : 'No pairs here'}>
          {(all?.all ?? 0) === 0 ? 'Pairs come from the Generate page.' : 'Choose another queue above.'}
        </Empty>
      )}
      {rows.length > 0 && (
        <div style={{ display: 'grid', gridTemplateColumns: '220px minmax(0, 1fr)', gap: 12, flex: 1, minHeight: 380 }}>
          <div
            style={{ overflow: 'auto', border: '1px solid var(--line)', borderRadius: 4, maxHeight: '64vh' }}
            tabIndex={0}
          >
            <table className="data" aria-label="Queue">
              <tbody>
                {rows.map((row) => (
                  <tr
                    key={row.id}
                    className="selectable"
                    aria-selected={row.id === id}
                    onClick={() => {
                      select(row.id);
                    }}
                  >
                    <td className="mono">#{row.id}</td>
                    <td style={{ maxWidth: 130, overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' }}>
                      {row.question}
                    </td>
                    <td className="muted">{row.verdict === null ? '' : 'done'}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          {detail.isError && <ErrorPanel error={detail.error} />}
          {detail.data !== undefined && <PairView pair={detail.data} sides={sides} blind={blind} />}
        </div>
      )}
      {rows.length > 0 && (
        <div
          className="jobs"
          style={{ bottom: 0, borderBottom: '1px solid var(--line)' }}
          role="toolbar"
          aria-label="Verdict"
        >
          {(Object.keys(actions) as (keyof typeof actions)[]).map((id) => (
            <Button
              key={id}
              size="compact-sm"
              variant="default"
              onClick={actions[id]}
              leftSection={<span className="key">{labelOf(id)}</span>}
            >
              {barLabels[id]}
            </Button>
          ))}
          <span className="muted" style={{ marginLeft: 'auto' }}>
            {all === undefined ? '' : `${formatCount(all.all - all.unreviewed)} of ${formatCount(all.all)}`}
            {each === null || all === undefined
              ? ''
              : `, ${(60 / Math.max(each, 0.001)).toFixed(1)} a minute, ${formatDuration(each * all.unreviewed)} left`}
          </span>
        </div>
      )}
      {detail.data !== undefined && (
        <EditDialog
          key={`edit ${detail.data.id} ${detail.data.revision}`}
          pair={detail.data}
          opened={editing}
          onClose={() => {
            edit(false);
          }}
          onSave={(change) => {
            edit(false);
            void store({ edit: change }, false);
          }}
        />
      )}
      <CommentDialog
        key={`comment ${id}`}
        opened={commenting}
        onClose={() => {
          comment(false);
        }}
        onSave={(text) => {
          comment(false);
          void store({ comment: text }, false);
        }}
      />
    </Page>
  );
}

function Stretches({ stretches, mark }: { readonly stretches: readonly Stretch[]; readonly mark: string }) {
  return (
    <div className="text">
      {stretches.map((stretch, i) =>
        stretch.changed ? (
          <mark key={i} className={mark} style={{ color: 'inherit' }}>
            {stretch.text}
          </mark>
        ) : (
          <span key={i}>{stretch.text}</span>
        ),
      )}
    </div>
  );
}

function PairView({
  pair,
  sides,
  blind,
}: {
  readonly pair: PairDetail;
  readonly sides: readonly ['chosen' | 'rejected', 'chosen' | 'rejected'];
  readonly blind: boolean;
}) {
  const document = useApi('documents.get', { id: pair.documentId });
  const diff = wordDiff(pair[sides[0]], pair[sides[1]]);
  const length = document.data?.characters ?? pair.chunkEnd;
  return (
    <div
      style={{ display: 'flex', flexDirection: 'column', gap: 8, minWidth: 0, overflow: 'auto', maxHeight: '64vh' }}
      tabIndex={0}
    >
      <div className="panel">
        <div style={{ display: 'flex', justifyContent: 'space-between' }} className="muted">
          <span>
            Instruction, {pair.documentTitle}, pair #{pair.id}
          </span>
          <span>
            turn {pair.turn + 1} of {pair.turns}
          </span>
        </div>
        <div className="text" style={{ fontWeight: 500 }}>
          {pair.question}
        </div>
        {pair.flags.length > 0 && <div style={{ color: 'var(--warn)' }}>flags: {pair.flags.join(', ')}</div>}
      </div>
      <div style={{ display: 'grid', gridTemplateColumns: 'minmax(0, 1fr) minmax(0, 1fr)', gap: 8 }}>
        {sides.map((side, i) => (
          <div key={side} className="panel">
            <h2 style={blind ? {} : { color: `var(--${side})` }}>
              {i === 0 ? 'A' : 'B'}
              {blind ? '' : ` (${side})`}
            </h2>
            <Stretches stretches={i === 0 ? diff.a : diff.b} mark={blind ? 'mark-short' : `mark-${side}`} />
          </div>
        ))}
      </div>
      <div className="panel">
        <div className="muted" style={{ display: 'flex', gap: 12, alignItems: 'center' }}>
          <span>Chunk {pair.chunkIndex + 1}, place in the document</span>
          <span
            style={{ position: 'relative', flex: 1, height: 8, border: '1px solid var(--line)', borderRadius: 2 }}
            aria-hidden
          >
            <span
              style={{
                position: 'absolute',
                top: 0,
                bottom: 0,
                left: `${(100 * pair.chunkStart) / length}%`,
                width: `${Math.max(1, (100 * (pair.chunkEnd - pair.chunkStart)) / length)}%`,
                background: 'var(--short)',
              }}
            />
          </span>
          <span>
            {Math.round((100 * pair.chunkStart) / length)}% to {Math.round((100 * pair.chunkEnd) / length)}%
          </span>
        </div>
        <div
          className="text"
          style={{ maxHeight: 260, overflow: 'auto', marginTop: 6 }}
          tabIndex={0}
          aria-label="Chunk"
        >
          {pair.chunkText}
        </div>
      </div>
    </div>
  );
}

function EditDialog({
  pair,
  opened,
  onClose,
  onSave,
}: {
  readonly pair: PairDetail;
  readonly opened: boolean;
  readonly onClose: () => void;
  readonly onSave: (edit: PairEdit) => void;
}) {
  const [texts, setTexts] = useState({ question: pair.question, chosen: pair.chosen, rejected: pair.rejected });
  const changed = (['question', 'chosen', 'rejected'] as const).filter((name) => texts[name] !== pair[name]);
  return (
    <Modal opened={opened} onClose={onClose} title={`Edit pair #${pair.id}`} size="lg">
      {(['question', 'chosen', 'rejected'] as const).map((name) => (
        <Textarea
          key={name}
          label={name}
          autosize
          minRows={2}
          maxRows={10}
          mb={8}
          value={texts[name]}
          error={name === 'question' && texts.question === '' ? 'A question cannot be empty' : undefined}
          onChange={(event) => {
            const value = event.currentTarget.value;
            setTexts((before) => ({ ...before, [name]: value }));
          }}
        />
      ))}
      <Button
        disabled={changed.length === 0 || texts.question === ''}
        onClick={() => {
          onSave(Object.fromEntries(changed.map((name) => [name, texts[name]])));
        }}
      >
        Save
      </Button>
    </Modal>
  );
}

function CommentDialog({
  opened,
  onClose,
  onSave,
}: {
  readonly opened: boolean;
  readonly onClose: () => void;
  readonly onSave: (text: string) => void;
}) {
  const [text, setText] = useState('');
  return (
    <Modal opened={opened} onClose={onClose} title="Comment on this pair">
      <Textarea
        aria-label="Comment"
        autosize
        minRows={3}
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value);
        }}
        mb={8}
      />
      <Button
        disabled={text.trim() === ''}
        onClick={() => {
          onSave(text.trim());
        }}
      >
        Save
      </Button>
    </Modal>
  );
}
