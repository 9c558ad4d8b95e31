import { useComputedColorScheme } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { spotlight } from '@mantine/spotlight';
import { useEffect, useState } from 'react';
import { useApi } from '../api/client.ts';
import { setKeymap, useCommands } from '../commands/active-commands.ts';
import { KeysDialog } from '../commands/keys-dialog.tsx';
import { Palette } from '../commands/palette.tsx';
import { useKeyLabel, useKeymap } from '../commands/use-keymap.ts';
import { Empty, ErrorPanel, Loading, PageBoundary } from '../components/states.tsx';
import { JobsBar } from '../jobs/jobs-bar.tsx';
import { useJobNotices } from '../jobs/job-notices.ts';
import { JobsDrawer } from '../jobs/jobs-drawer.tsx';
import { WorkspaceMenu } from '../workspaces/workspace-menu.tsx';
import { TourBar } from '../tour/tour-bar.tsx';
import { useTour } from '../tour/use-tour.ts';
import { useColours, useColoursOfSetting } from './colours.ts';
import { ConnectionBanner } from './connection-banner.tsx';
import { pages } from './pages.ts';
import type { PageEntry } from './pages.ts';
import { goTo, hrefOf, useRoute } from './router.ts';

/** Navigation, the page that is open, the job that runs; palette and keys over all of it. */
export function App() {
  const route = useRoute();
  const [, setColours] = useColours();
  const scheme = useComputedColorScheme('light');
  const [keysShown, showKeys] = useState(false);
  const [jobsShown, showJobs] = useState(false);
  const [keymap] = useKeymap();
  const tour = useTour();
  const page = pages.find(({ id }) => id === route.page);

  useColoursOfSetting();
  useJobNotices();
  useEffect(() => {
    setKeymap(keymap);
  }, [keymap]);
  useEffect(() => {
    document.title = page === undefined ? 'Longhand' : `${page.label} - Longhand`;
  }, [page]);
  useCommands({
    ...Object.fromEntries(pages.map(({ id, command }) => [command, () => goTo(id)])),
    'palette.open': spotlight.open,
    'keys.show': () => showKeys(true),
    'jobs.toggle': () => showJobs(!jobsShown),
    'tour.show': tour.restart,
    'colours.toggle': () => setColours(scheme === 'dark' ? 'light' : 'dark'),
  });

  return (
    <div className="app" data-tour={tour.stop?.id}>
      <Sidebar current={page?.id} />
      <main className="main">
        <ConnectionBanner />
        <TourBar tour={tour} />
        <PageBoundary key={route.page}>
          <PageContent page={page} rest={route.rest} />
        </PageBoundary>
        <JobsBar onOpen={() => showJobs(true)} />
      </main>
      <Notifications position="bottom-right" containerWidth={360} limit={3} />
      <Palette />
      <KeysDialog opened={keysShown} onClose={() => showKeys(false)} />
      <JobsDrawer opened={jobsShown} onClose={() => showJobs(false)} />
    </div>
  );
}

function Sidebar({ current }: { readonly current: string | undefined }) {
  const labelOf = useKeyLabel();
  return (
    <nav className="sidebar" aria-label="Pages">
      <div className="brand">Longhand</div>
      <WorkspaceMenu />
      {pages.map(({ id, label, command }) => (
        <a
          key={id}
          className="nav"
          href={hrefOf(id)}
          aria-current={id === current ? 'page' : undefined}
          title={labelOf(command) === '' ? undefined : `Keys: ${labelOf(command)}`}
        >
          {label}
        </a>
      ))}
      <button type="button" className="nav foot" onClick={spotlight.open}>
        <span>Commands</span>
        <span className="key">{labelOf('palette.open')}</span>
      </button>
    </nav>
  );
}

function PageContent({ page, rest }: { readonly page: PageEntry | undefined; readonly rest: readonly string[] }) {
  const workspace = useApi('workspaces.current', {});
  if (page === undefined) {
    return (
      <div className="page">
        <Empty title="There is no such page">
          <a href={hrefOf('home')}>Go to Home.</a>
        </Empty>
      </div>
    );
  }
  if (!page.needsWorkspace) return <page.component rest={rest} />;
  if (workspace.isError) {
    return (
      <div className="page">
        <ErrorPanel error={workspace.error} retry={() => void workspace.refetch()} />
      </div>
    );
  }
  if (workspace.isPending) {
    return (
      <div className="page">
        <Loading />
      </div>
    );
  }
  if (workspace.data === null) {
    return (
      <div className="page">
        <Empty title="No workspace is open">
          <a href={hrefOf('home')}>Open or create one on the Home page.</a>
        </Empty>
      </div>
    );
  }
  // A page keeps nothing of another workspace.
  return <page.component key={workspace.data.folder} rest={rest} />;
}
