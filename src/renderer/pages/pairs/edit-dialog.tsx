import { Button, Modal, Textarea } from '@mantine/core';
import { useState } from 'react';
import { z } from 'zod';
import type { AuditPair } from '../../../shared/audit/review.ts';
import { ErrorPanel } from '../../components/states.tsx';
import { keepDraft, readDraft } from './drafts.ts';
import type { Act } from './use-audit-acts.ts';

const textsSchema = z.strictObject({ question: z.string(), first: z.string(), second: z.string() });
type Texts = z.infer<typeof textsSchema>;
const fields = ['question', 'first', 'second'] as const;

/** Edits the texts of a pair. What was typed stays until it is stored or taken back, whatever happens in between. */
export function EditDialog({
  pair,
  opened,
  error,
  busy,
  onClose,
  onSave,
}: {
  readonly pair: AuditPair;
  readonly opened: boolean;
  readonly error: unknown;
  readonly busy: boolean;
  readonly onClose: () => void;
  /** Resolves to whether it is stored. */
  readonly onSave: (act: Act) => Promise<boolean>;
}) {
  const present: Texts = { question: pair.question, first: pair.answers[0], second: pair.answers[1] };
  const [typed, setTyped] = useState<Texts | null>(() => {
    const draft = textsSchema.safeParse(readDraft('edit', pair.id));
    return draft.success ? draft.data : null;
  });
  const texts = typed ?? present;
  const changed = fields.filter((name) => texts[name] !== present[name]);
  const change = (next: Texts | null): void => {
    setTyped(next);
    keepDraft('edit', pair.id, next);
  };
  const possible = changed.length > 0 && texts.question !== '' && !busy;
  const save = async (): Promise<void> => {
    if (!possible) return;
    if (!(await onSave({ edit: Object.fromEntries(changed.map((name) => [name, texts[name]])) }))) return;
    change(null);
    onClose();
  };
  const origin = (side: 0 | 1): string => (pair.order === null ? '' : ` (${pair.order[side]})`);
  const labels = { question: 'Instruction', first: `Answer A${origin(0)}`, second: `Answer B${origin(1)}` };
  return (
    <Modal opened={opened} onClose={onClose} title={`Edit pair #${pair.id}`} size="xl">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void save();
        }}
      >
        {fields.map((name) => (
          <Textarea
            key={name}
            label={labels[name]}
            autosize
            size="sm"
            minRows={2}
            maxRows={10}
            mb={8}
            {...(name === 'first' ? { 'data-autofocus': true } : {})}
            value={texts[name]}
            error={name === 'question' && texts.question === '' ? 'An instruction cannot be empty.' : undefined}
            onChange={(event) => {
              change({ ...texts, [name]: event.currentTarget.value });
            }}
          />
        ))}
        {error !== null && <ErrorPanel error={error} />}
        <div className="row" style={{ marginTop: 8 }}>
          <Button type="submit" disabled={!possible} loading={busy}>
            Save
          </Button>
          <Button
            variant="default"
            disabled={changed.length === 0}
            onClick={() => {
              change(null);
            }}
          >
            Discard what was typed
          </Button>
          <span className="muted end">Ctrl Enter saves, Esc closes and keeps what was typed.</span>
        </div>
      </form>
    </Modal>
  );
}
