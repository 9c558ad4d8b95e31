import { useCallback, useEffect, useRef, useState } from 'react';
import type { ShownVerdict } from '../../../shared/audit/answer-order.ts';
import type { Blind } from '../../../shared/audit/blind.ts';
import type { AuditQueueInput } from '../../../shared/audit/queue.ts';
import type { AuditPace, AuditPair, RecordReview } from '../../../shared/audit/review.ts';
import { call } from '../../api/client.ts';
import { ApiError } from '../../api/transport.ts';

export type Act = Pick<RecordReview, 'verdict' | 'edit' | 'comment'>;

interface Circumstances {
  readonly pair: AuditPair | undefined;
  readonly reviewer: string;
  readonly blind: Blind;
  readonly queue: AuditQueueInput;
  readonly picked: boolean;
  /** The act is on the disk. */
  readonly onStored: (pair: AuditPair, act: Act) => Promise<void> | undefined;
  readonly onUndone: (pairId: number, verdict: boolean) => Promise<void>;
  /** The pair was changed by someone else meanwhile. */
  readonly onConflict: (pairId: number) => Promise<void>;
}

export interface Acts {
  /** Stores an act on the pair that is shown. @returns whether it is stored; if not, `error` says why */
  readonly record: (act: Act) => Promise<boolean>;
  readonly undo: () => Promise<void>;
  readonly busy: boolean;
  /** Why the last act was not stored. */
  readonly error: unknown;
  readonly clearError: () => void;
  /** What was done last, in words. */
  readonly message: string;
  readonly pace: AuditPace | undefined;
}

const names: Readonly<Record<ShownVerdict, string>> = {
  first_better: 'A better',
  second_better: 'B better',
  both_good: 'both good',
  both_bad: 'both bad',
  broken_instruction: 'broken instruction',
  skipped: 'skipped',
};

/** What a reviewer does to pairs. One act at a time: nothing goes on before it is stored. */
export function useAuditActs(circumstances: Circumstances): Acts {
  const now = useRef(circumstances);
  useEffect(() => {
    now.current = circumstances;
  });
  const { pair, reviewer } = circumstances;
  const began = useRef(0);
  const shownId = pair?.id;
  useEffect(() => {
    began.current = performance.now();
  }, [shownId]);
  const running = useRef<Promise<boolean> | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [message, setMessage] = useState('');
  const [pace, setPace] = useState<AuditPace>();
  useEffect(() => {
    // A pace that cannot be read is not worth a message; acts bring it along.
    call('audit.pace', { reviewer }).then(setPace, () => undefined);
  }, [reviewer]);

  const run = useCallback(async (work: () => Promise<void>): Promise<boolean> => {
    setBusy(true);
    try {
      await work();
      setError(null);
      return true;
    } catch (problem) {
      setError(problem);
      setMessage('');
      return false;
    } finally {
      running.current = null;
      setBusy(false);
    }
  }, []);

  const record = useCallback(
    async (act: Act): Promise<boolean> => {
      const { pair, reviewer, blind, queue, picked, onStored, onConflict } = now.current;
      // A key pressed while an act is being stored was meant for the pair that is judged already.
      if (pair === undefined || running.current !== null) return false;
      const milliseconds = Math.round(performance.now() - began.current);
      running.current = run(async () => {
        const review = { pairId: pair.id, reviewer, blind, seen: pair.sha256, milliseconds, queue, picked, ...act };
        const stored = await call('audit.record', review).catch(async (problem: unknown) => {
          if (problem instanceof ApiError && problem.body.code === 'conflict') await onConflict(pair.id);
          throw problem;
        });
        setPace(stored.pace);
        const { verdict } = act;
        const what = verdict == null ? (act.edit == null ? 'comment' : 'edit') : names[verdict];
        setMessage(`Stored: ${what} (pair #${pair.id})`);
        await onStored(pair, act);
      });
      return running.current;
    },
    [run],
  );

  const undo = useCallback(async (): Promise<void> => {
    // Each press takes one act back, however fast they come.
    while (running.current !== null) await running.current;
    running.current = run(async () => {
      const { pairId, undone } = await call('audit.undo', { reviewer: now.current.reviewer });
      await now.current.onUndone(pairId, undone.verdict);
      const what = (['verdict', 'edit', 'comment'] as const).filter((kind) => undone[kind]).join(' and ');
      setMessage(`Taken back: ${what} (pair #${pairId})`);
    });
    await running.current;
  }, [run]);

  const clearError = useCallback((): void => {
    setError(null);
  }, []);
  return { record, undo, busy, error, clearError, message, pace };
}
