import { Button } from '@mantine/core';
import { useState } from 'react';
import { useApi, useApiMutation } from '../../api/client.ts';
import { hrefOf } from '../../app/router.ts';
import { formatCount, formatTime } from '../../components/format.ts';
import { Facts, Page } from '../../components/page.tsx';
import { PathField } from '../../components/path-field.tsx';
import { ErrorPanel } from '../../components/states.tsx';
import { nextStep } from './next-step.ts';
import { OpenBundle } from './open-bundle.tsx';

/** Where one starts: the workspace, what comes next in it, and the demo. */
export function HomePage() {
  const workspace = useApi('workspaces.current', {});
  const recent = useApi('workspaces.recent', {});
  const open = useApiMutation('workspaces.open');
  const demo = useApiMutation('demo.start');
  const [folder, setFolder] = useState('');
  const info = workspace.data ?? undefined;
  const next = nextStep(info);
  return (
    <Page title="Home">
      {open.isError && <ErrorPanel error={open.error} />}
      {demo.isError && <ErrorPanel error={demo.error} />}
      <div style={{ display: 'grid', gridTemplateColumns: 'minmax(0, 3fr) minmax(0, 2fr)', gap: 12 }}>
        <div className="panel">
          <h2>Workspace</h2>
          {info === undefined ? (
            <p className="muted">One folder holds an experiment: documents, pairs, audits, runs and evaluations.</p>
          ) : (
            <>
              <Facts
                facts={[
                  [
                    'Folder',
                    <span key="folder" className="mono">
                      {info.folder}
                    </span>,
                  ],
                  ['Documents', formatCount(info.documents)],
                  ['Pairs', `${formatCount(info.pairs)}, ${formatCount(info.unreviewed)} not reviewed`],
                  ['Runs', formatCount(info.runs)],
                  ['Evaluations', formatCount(info.evaluations)],
                ]}
              />
              <p>
                Next: <a href={hrefOf(next.page)}>{next.text}</a>
              </p>
            </>
          )}
          <PathField
            label={info === undefined ? 'Open or create a workspace' : 'Open another workspace'}
            kind="folder"
            value={folder}
            onChange={setFolder}
          />
          <div style={{ display: 'flex', gap: 8, marginTop: 8 }}>
            <Button
              disabled={folder === ''}
              loading={open.isPending}
              onClick={() => {
                open.mutate({ folder, create: false });
              }}
            >
              Open
            </Button>
            <Button
              variant="default"
              disabled={folder === ''}
              onClick={() => {
                open.mutate({ folder, create: true });
              }}
            >
              Create
            </Button>
          </div>
        </div>
        <div className="panel">
          <h2>Try the demo</h2>
          <p className="muted">
            A small model that reads short texts well and long ones badly writes its own preference pairs from 300
            documents, trains with LongPO on this computer's processor and is measured before and after. About two
            minutes; everything it does is in a workspace of its own and can be looked at while it runs.
          </p>
          <Button
            loading={demo.isPending}
            onClick={() => {
              demo.mutate({});
            }}
          >
            Run the demo
          </Button>
        </div>
        <OpenBundle />
        <div className="panel">
          <h2>Recent workspaces</h2>
          {(recent.data ?? []).length === 0 && <span className="muted">None yet.</span>}
          <table className="data">
            <tbody>
              {(recent.data ?? []).map((entry) => (
                <tr key={entry.folder}>
                  <td className="mono">{entry.folder}</td>
                  <td className="muted">{formatTime(entry.openedAt)}</td>
                  <td>
                    {entry.exists ? (
                      <Button
                        size="compact-xs"
                        variant="default"
                        onClick={() => {
                          open.mutate({ folder: entry.folder, create: false });
                        }}
                      >
                        Open
                      </Button>
                    ) : (
                      <span className="muted">gone</span>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </div>
    </Page>
  );
}
