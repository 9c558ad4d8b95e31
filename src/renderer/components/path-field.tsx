import { Button, Modal, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { ReactNode } from 'react';
import type { FolderEntry } from '../../shared/api/workspaces.ts';
import { useApi } from '../api/client.ts';
import { ErrorPanel, Loading } from './states.tsx';

/** `save`: a file that need not exist. */
type Kind = 'folder' | 'files' | 'save';

/** A path that can be typed, or chosen: with the native dialog in Electron, else in a list of what main may read. */
export function PathField({
  label,
  description,
  value,
  onChange,
  kind,
  error,
  onEnter,
  onChooseMany,
  action,
  suggestion,
  noteBelow = false,
}: {
  readonly label: string;
  readonly description?: string;
  readonly value: string;
  readonly onChange: (path: string) => void;
  readonly kind: Kind;
  readonly error?: ReactNode;
  /** Called with Enter in the field. */
  readonly onEnter?: (() => void) | undefined;
  /** Called where the dialog gave several paths; left out: the first one counts. */
  readonly onChooseMany?: ((paths: readonly string[]) => void) | undefined;
  /** A button for what is done with the path, in the same line. */
  readonly action?: ReactNode;
  /** Of the kind `save`: the file's name where only a folder is chosen. */
  readonly suggestion?: string;
  /** The description stands below the field, as those of settings do. */
  readonly noteBelow?: boolean;
}) {
  const [browsing, browse] = useState(false);
  const choose = (): void => {
    const bridge = window.longhand;
    if (bridge === undefined) {
      browse(true);
      return;
    }
    const place = suggestion === undefined ? {} : { suggestion };
    void bridge.choose({ kind, title: label, ...place }).then((paths) => {
      const [path] = paths;
      if (paths.length > 1 && onChooseMany !== undefined) onChooseMany(paths);
      else if (path !== undefined) onChange(path);
    });
  };
  return (
    <>
      <TextInput
        label={label}
        description={description}
        value={value}
        error={error}
        {...(noteBelow ? { inputWrapperOrder: ['label', 'input', 'description', 'error'] } : {})}
        spellCheck={false}
        inputContainer={(input) => (
          <div className="field-line">
            {input}
            <Button variant="default" onClick={choose}>
              Choose
            </Button>
            {action}
          </div>
        )}
        onChange={(event) => {
          onChange(event.currentTarget.value);
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && value.trim() !== '') onEnter?.();
        }}
      />
      <Modal
        opened={browsing}
        onClose={() => {
          browse(false);
        }}
        title={label}
        size="lg"
      >
        <Browser
          start={value === '' ? null : value}
          kind={kind}
          onPick={(path, folder) => {
            const inFolder = folder && kind === 'save' && suggestion !== undefined;
            onChange(inFolder ? `${path.replace(/\/$/, '')}/${suggestion}` : path);
            browse(false);
          }}
        />
      </Modal>
    </>
  );
}

function Browser({
  start,
  kind,
  onPick,
}: {
  readonly start: string | null;
  readonly kind: Kind;
  readonly onPick: (path: string, folder: boolean) => void;
}) {
  const [path, open] = useState<string | null>(null);
  const listing = useApi('files.browse', { path: path ?? start }, { keep: true });
  const fallback = useApi('files.browse', { path: null }, { enabled: listing.isError });
  const shown = listing.data ?? fallback.data;
  if (shown === undefined)
    return listing.isError && fallback.isError ? <ErrorPanel error={listing.error} /> : <Loading />;
  const act = (entry: FolderEntry): void => {
    if (entry.kind === 'folder') open(entry.path);
    else if (kind !== 'folder') onPick(entry.path, false);
  };
  return (
    <div>
      <div style={{ display: 'flex', gap: 8, alignItems: 'center', marginBottom: 8 }}>
        <Button
          size="compact-sm"
          variant="default"
          disabled={shown.parent === null}
          onClick={() => {
            open(shown.parent);
          }}
        >
          Up
        </Button>
        <span className="mono" style={{ flex: 1, overflowWrap: 'anywhere' }}>
          {shown.path}
        </span>
        <Button
          size="compact-sm"
          onClick={() => {
            onPick(shown.path, true);
          }}
        >
          Use this folder
        </Button>
      </div>
      <div style={{ maxHeight: 380, overflow: 'auto' }}>
        <table className="data">
          <tbody>
            {shown.entries.map((entry) => (
              <tr
                key={entry.path}
                className="selectable"
                onClick={() => {
                  act(entry);
                }}
              >
                <td>
                  <button
                    type="button"
                    className="nav"
                    style={{ background: 'none', font: 'inherit', padding: 0, cursor: 'pointer' }}
                  >
                    {entry.name}
                    {entry.kind === 'folder' ? '/' : ''}
                  </button>
                </td>
                <td className="muted">{entry.role}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}
