import { Modal, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { Spotlight, spotlight } from '@mantine/spotlight';
import { useMemo, useState } from 'react';
import { useApi } from '../api/client.ts';
import { Empty, Loading, PageBoundary } from '../components/states.tsx';
import { JobsBar } from './jobs-bar.tsx';
import { pages } from './pages.ts';
import { goTo, hrefOf, useRoute } from './router.ts';
import { activeShortcuts, useShortcuts } from './shortcuts.ts';

/** Navigation, the page that is open, the job that runs; palette and keys over all of it. */
export function App() {
  const route = useRoute();
  const workspace = useApi('workspaces.current', {});
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme('light');
  const [help, showHelp] = useState(false);
  const page = pages.find(({ id }) => id === route.page) ?? pages[0];

  useShortcuts(
    useMemo(
      () => [
        ...pages.map(({ id, key, label }) => ({
          keys: `g ${key}`,
          label: `Go to ${label}`,
          run: () => {
            goTo(id);
          },
        })),
        {
          keys: '?',
          label: 'Keys of this page',
          run: () => {
            showHelp(true);
          },
        },
      ],
      [],
    ),
  );

  const actions = [
    ...pages.map(({ id, label, key }) => ({
      id,
      label: `Go to ${label}`,
      description: `g ${key}`,
      onClick: () => {
        goTo(id);
      },
    })),
    {
      id: 'scheme',
      label: scheme === 'dark' ? 'Light colours' : 'Dark colours',
      onClick: () => {
        setColorScheme(scheme === 'dark' ? 'light' : 'dark');
      },
    },
    {
      id: 'keys',
      label: 'Keys of this page',
      description: '?',
      onClick: () => {
        showHelp(true);
      },
    },
  ];

  const open = workspace.data !== null && workspace.data !== undefined;
  return (
    <div className="app">
      <nav className="sidebar" aria-label="Pages">
        <div className="brand">Longhand</div>
        {pages.map(({ id, label }) => (
          <a key={id} className="nav" href={hrefOf(id)} aria-current={id === page?.id ? 'page' : undefined}>
            {label}
          </a>
        ))}
        <div style={{ marginTop: 'auto' }} className="muted">
          <button
            type="button"
            className="nav"
            style={{ background: 'none', width: '100%', font: 'inherit', cursor: 'pointer' }}
            onClick={spotlight.open}
          >
            <span>Commands</span>
            <span className="key">Ctrl K</span>
          </button>
        </div>
      </nav>
      <main className="main">
        <PageBoundary key={route.page}>
          {page === undefined || workspace.isPending ? (
            <div className="page">
              <Loading />
            </div>
          ) : page.needsWorkspace && !open ? (
            <div className="page">
              <Empty title="No workspace is open">
                <a href={hrefOf('home')}>Open or create one on the Home page.</a>
              </Empty>
            </div>
          ) : (
            <page.component rest={route.rest} />
          )}
        </PageBoundary>
        <JobsBar />
      </main>
      <Spotlight
        actions={actions}
        shortcut="mod + K"
        searchProps={{ placeholder: 'What do you want to do?' }}
        highlightQuery
      />
      <Modal
        opened={help}
        onClose={() => {
          showHelp(false);
        }}
        title="Keys of this page"
        size="sm"
      >
        <table className="data">
          <tbody>
            {activeShortcuts().map(({ keys, label }) => (
              <tr key={keys}>
                <td>
                  <span className="key">{keys}</span>
                </td>
                <td>{label}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Modal>
    </div>
  );
}
