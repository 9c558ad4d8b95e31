import './home.css';
import { Button } from '@mantine/core';
import { useState } from 'react';
import type { WorkspaceInfo } from '../../../shared/api/workspaces.ts';
import { useApi, useApiMutation } from '../../api/client.ts';
import { hrefOf } from '../../app/router.ts';
import { DropTarget } from '../../components/drop-target.tsx';
import { fieldError, inputProblem } from '../../components/field-error.tsx';
import { formatTime } from '../../components/format.ts';
import { Page } from '../../components/page.tsx';
import { PathField } from '../../components/path-field.tsx';
import { ErrorPanel, Loading } from '../../components/states.tsx';
import { folderName } from '../../workspaces/workspace-menu.tsx';
import { DemoPanel } from './demo-panel.tsx';
import { WayBack } from './way-back.tsx';
import { nextStep, workSteps } from './next-step.ts';
import { OpenBundle } from './open-bundle.tsx';

/** Where one starts: the workspace, what comes next in it, the demo, and workspaces that were open lately. */
export function HomePage() {
  const workspace = useApi('workspaces.current', {});
  const open = useApiMutation('workspaces.open');
  const [folder, setFolder] = useState('');
  const info = workspace.data ?? undefined;
  const show = (path: string, create: boolean): void => open.mutate({ folder: path, create });
  return (
    <Page title="Home" note="Preference pairs and training for long contexts, on this computer">
      {workspace.isError && <ErrorPanel error={workspace.error} retry={() => void workspace.refetch()} />}
      <div className="home-grid">
        <section className="panel" aria-label="Workspace">
          <h2>{info === undefined ? 'Workspace' : folderName(info.folder)}</h2>
          {workspace.isPending && <Loading lines={6} />}
          {info === undefined ? (
            !workspace.isPending && (
              <p className="muted">
                One folder holds an experiment's whole history: documents, pairs, audits, runs and evaluations. Nothing
                leaves this computer.
              </p>
            )
          ) : (
            <>
              <div className="mono muted" style={{ marginBottom: 8, overflowWrap: 'anywhere' }}>
                {info.folder}
              </div>
              <Steps info={info} />
            </>
          )}
          <DropTarget hint="Drop a folder to open it" onDrop={([path]) => path !== undefined && show(path, false)}>
            <PathField
              label={info === undefined ? 'Open or create a workspace' : 'Open another workspace'}
              description="A folder that Longhand made, or a new one"
              kind="folder"
              value={folder}
              onChange={(next) => {
                setFolder(next);
                open.reset();
              }}
              onEnter={() => show(folder, false)}
              error={fieldError(open.error)}
              action={
                <>
                  <Button disabled={folder.trim() === ''} loading={open.isPending} onClick={() => show(folder, false)}>
                    Open
                  </Button>
                  <Button variant="default" disabled={folder.trim() === ''} onClick={() => show(folder, true)}>
                    Create
                  </Button>
                </>
              }
            />
          </DropTarget>
          <div className="muted" role="status">
            {open.isPending && 'Opening it. A large database is checked first, which may take a few seconds.'}
          </div>
          {open.isError && inputProblem(open.error) === null && <ErrorPanel error={open.error} />}
          <WayBack failed={open.error} folder={open.variables?.folder} onRestored={(path) => show(path, false)} />
        </section>
        <DemoPanel />
        <Recent current={info?.folder} onOpen={(path) => show(path, false)} />
        <OpenBundle />
      </div>
    </Page>
  );
}

function Steps({ info }: { readonly info: WorkspaceInfo }) {
  const next = nextStep(info);
  return (
    <>
      <ol className="work-steps" aria-label="Steps of the work">
        {workSteps(info).map(({ page, todo, done }, i) => (
          <li key={page} data-next={page === next.page || undefined}>
            <span className="number">{i + 1}</span>
            <a href={hrefOf(page)}>{done === null ? todo : stepNames[page]}</a>
            <span className="end">{done ?? <span className="muted">{page === next.page ? 'next' : ''}</span>}</span>
          </li>
        ))}
      </ol>
      {next.page === 'runs' && (
        <p>
          Next: <a href={hrefOf('runs')}>{next.text}</a>, then export the adapter or train again with other settings.
        </p>
      )}
    </>
  );
}

const stepNames: Readonly<Record<string, string>> = {
  models: 'Models',
  documents: 'Documents',
  generate: 'Generate',
  pairs: 'Audit',
  train: 'Train',
  evaluate: 'Evaluate',
};

function Recent({
  current,
  onOpen,
}: {
  readonly current: string | undefined;
  readonly onOpen: (path: string) => void;
}) {
  const recent = useApi('workspaces.recent', {});
  const entries = recent.data ?? [];
  return (
    <section className="panel" aria-label="Recent workspaces">
      <h2>Recent workspaces</h2>
      {recent.isError && <ErrorPanel error={recent.error} />}
      {recent.data?.length === 0 && <span className="muted">None yet: what you open or create appears here.</span>}
      {entries.length > 0 && (
        <table className="data">
          <thead>
            <tr>
              <th>Name</th>
              <th>Folder</th>
              <th>Opened</th>
              <th />
            </tr>
          </thead>
          <tbody>
            {entries.map(({ folder, openedAt, exists }) => (
              <tr key={folder}>
                <td>{folderName(folder)}</td>
                <td className="mono" style={{ overflowWrap: 'anywhere' }}>
                  {folder}
                </td>
                <td className="muted" style={{ whiteSpace: 'nowrap' }}>
                  {formatTime(openedAt)}
                </td>
                <td className="number" style={{ whiteSpace: 'nowrap' }}>
                  {folder === current ? (
                    <span className="muted">open</span>
                  ) : exists ? (
                    <Button
                      size="compact-xs"
                      variant="default"
                      aria-label={`Open ${folderName(folder)}`}
                      onClick={() => onOpen(folder)}
                    >
                      Open
                    </Button>
                  ) : (
                    <span className="muted">the folder is gone</span>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
