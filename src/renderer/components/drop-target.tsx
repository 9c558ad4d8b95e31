import { useState } from 'react';
import type { DragEvent, ReactNode } from 'react';

/** What to say where the window cannot tell where a dropped file lies. */
const noPaths =
  'A browser does not tell where a dropped file lies. Use "Choose", or type the path: Longhand reads it from this computer.';

/**
 * Takes files and folders that are dropped anywhere on it. In Electron `onDrop` gets their paths, which are granted by
 * the drop; over the loopback host, where no path can be known, it says what to do instead.
 */
export function DropTarget({
  hint,
  onDrop,
  children,
}: {
  /** What a drop does, shown while something hangs over it. */
  readonly hint: string;
  readonly onDrop: (paths: readonly string[]) => void;
  readonly children: ReactNode;
}) {
  const [over, setOver] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const hasFiles = (event: DragEvent): boolean => event.dataTransfer.types.includes('Files');
  const take = (event: DragEvent): void => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    setOver(false);
    const files = [...event.dataTransfer.files];
    const bridge = window.longhand;
    if (bridge === undefined) {
      setProblem(noPaths);
      return;
    }
    bridge.dropped(files).then(
      (paths) => {
        setProblem(paths.length === 0 ? 'What was dropped is no file or folder of this computer.' : null);
        if (paths.length > 0) onDrop(paths);
      },
      (error: unknown) => {
        setProblem(error instanceof Error ? error.message : String(error));
      },
    );
  };
  return (
    <div
      className="drop-target"
      data-over={over || undefined}
      onDragOver={(event) => {
        if (!hasFiles(event)) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false);
      }}
      onDrop={take}
    >
      {children}
      {problem !== null && (
        <div role="alert" className="field-problem">
          {problem}
        </div>
      )}
      {over && <div className="drop-hint">{hint}</div>}
    </div>
  );
}
