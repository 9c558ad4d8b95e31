import { Button, Modal } from '@mantine/core';
import { useEffect, useState } from 'react';
import { suspendKeys, useActiveCommands } from './active-commands.ts';
import { commandOf } from './command-table.ts';
import type { CommandId } from './command-table.ts';
import { conflictOf, pressedKeys } from './keymap.ts';
import { useKeyLabel, useKeymap } from './use-keymap.ts';

/** The keys of what is on the screen; each can be changed by pressing another one. */
export function KeysDialog({ opened, onClose }: { readonly opened: boolean; readonly onClose: () => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title="Keys" size="md" closeOnEscape>
      <KeysTable />
    </Modal>
  );
}

function KeysTable() {
  const commands = useActiveCommands();
  const [keymap, setKeymap] = useKeymap();
  const labelOf = useKeyLabel();
  const [recording, record] = useState<CommandId | null>(null);
  const [problem, setProblem] = useState<string | null>(null);

  useEffect(() => {
    if (recording === null) return;
    const resume = suspendKeys();
    const onKey = (event: KeyboardEvent): void => {
      const keys = pressedKeys(event);
      if (keys === null) return;
      event.preventDefault();
      event.stopPropagation();
      record(null);
      if (keys === 'Escape') return;
      const other = conflictOf(keymap, recording, keys);
      setProblem(other === undefined ? null : `That key is taken by "${commandOf(other).label}".`);
      if (other === undefined) setKeymap({ ...keymap, [recording]: keys });
    };
    // Before the dialog's own keys: Escape ends the recording, not the dialog.
    window.addEventListener('keydown', onKey, { capture: true });
    return () => {
      window.removeEventListener('keydown', onKey, { capture: true });
      resume();
    };
  }, [recording, keymap, setKeymap]);

  const group = (title: string, ids: readonly CommandId[]) =>
    ids.length > 0 && (
      <table className="data" aria-label={title} style={{ marginBottom: 12 }}>
        <thead>
          <tr>
            <th>{title}</th>
            <th className="number">Key</th>
          </tr>
        </thead>
        <tbody>
          {ids.map((id) => (
            <tr key={id}>
              <td>{commandOf(id).label}</td>
              <td className="number">
                <Button
                  size="compact-xs"
                  variant={recording === id ? 'filled' : 'default'}
                  aria-label={`Change the key of "${commandOf(id).label}"`}
                  onClick={() => {
                    setProblem(null);
                    record(id);
                  }}
                >
                  {recording === id ? 'Press a key' : labelOf(id) || 'none'}
                </Button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    );

  return (
    <>
      {group(
        'On this page',
        commands.filter((id) => commandOf(id).page !== null),
      )}
      {group(
        'Everywhere',
        commands.filter((id) => commandOf(id).page === null),
      )}
      <div role="alert" style={{ color: 'var(--fail)', minHeight: 20 }}>
        {problem}
      </div>
      <div style={{ display: 'flex', justifyContent: 'space-between', alignItems: 'center' }}>
        <span className="muted">Press a key's button, then the new key. Esc keeps the old one.</span>
        <Button
          variant="default"
          disabled={Object.keys(keymap).length === 0}
          onClick={() => {
            setKeymap({});
          }}
        >
          Reset all
        </Button>
      </div>
    </>
  );
}
