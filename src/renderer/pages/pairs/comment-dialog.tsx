import { Button, Modal, Textarea } from '@mantine/core';
import { useState } from 'react';
import { ErrorPanel } from '../../components/states.tsx';
import { keepDraft, readDraft } from './drafts.ts';
import type { Act } from './use-audit-acts.ts';

const longest = 20_000;

/** A comment on a pair. What was typed stays until it is stored. */
export function CommentDialog({
  pairId,
  opened,
  error,
  busy,
  onClose,
  onSave,
}: {
  readonly pairId: number;
  readonly opened: boolean;
  readonly error: unknown;
  readonly busy: boolean;
  readonly onClose: () => void;
  /** Resolves to whether it is stored. */
  readonly onSave: (act: Act) => Promise<boolean>;
}) {
  const [text, setText] = useState(() => {
    const draft = readDraft('comment', pairId);
    return typeof draft === 'string' ? draft : '';
  });
  const change = (next: string): void => {
    setText(next);
    keepDraft('comment', pairId, next === '' ? null : next);
  };
  const tooLong = text.trim().length > longest;
  const possible = text.trim() !== '' && !tooLong && !busy;
  const save = async (): Promise<void> => {
    if (!possible || !(await onSave({ comment: text.trim() }))) return;
    change('');
    onClose();
  };
  return (
    <Modal opened={opened} onClose={onClose} title={`Comment on pair #${pairId}`}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <Textarea
          aria-label="Comment"
          data-autofocus
          autosize
          size="sm"
          minRows={3}
          maxRows={14}
          value={text}
          error={tooLong ? `A comment has at most ${longest} characters.` : undefined}
          onChange={(event) => {
            change(event.currentTarget.value);
          }}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void save();
          }}
          mb={8}
        />
        {error !== null && <ErrorPanel error={error} />}
        <div className="row" style={{ marginTop: 8 }}>
          <Button type="submit" disabled={!possible} loading={busy}>
            Save
          </Button>
          <span className="muted end">Ctrl Enter saves, Esc closes and keeps what was typed.</span>
        </div>
      </form>
    </Modal>
  );
}
