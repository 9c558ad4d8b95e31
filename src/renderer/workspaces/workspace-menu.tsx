import { Menu } from '@mantine/core';
import { useApi, useApiMutation } from '../api/client.ts';
import { goTo } from '../app/router.ts';

/** Name of a folder without the folders above it. */
export function folderName(path: string): string {
  return path.split(/[\\/]/).findLast((part) => part !== '') ?? path;
}

/** The open workspace, the ones that were open lately, and the way to another one. */
export function WorkspaceMenu() {
  const current = useApi('workspaces.current', {}).data ?? null;
  const recent = useApi('workspaces.recent', {}).data ?? [];
  const open = useApiMutation('workspaces.open');
  const others = recent.filter(({ folder, exists }) => exists && folder !== current?.folder).slice(0, 6);
  return (
    <Menu position="bottom-start" width={280} shadow="none">
      <Menu.Target>
        <button type="button" className="workspace" title={current?.folder}>
          <span className="muted">Workspace</span>
          <span className="ellipsis">{current === null ? 'none is open' : folderName(current.folder)}</span>
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        {others.length > 0 && <Menu.Label>Recent</Menu.Label>}
        {others.map(({ folder }) => (
          <Menu.Item
            key={folder}
            title={folder}
            onClick={() => {
              open.mutate({ folder, create: false }, { onError: () => goTo('home') });
            }}
          >
            {folderName(folder)}
            <div className="muted ellipsis" style={{ fontSize: 11 }}>
              {folder}
            </div>
          </Menu.Item>
        ))}
        {others.length > 0 && <Menu.Divider />}
        <Menu.Item onClick={() => goTo('home')}>Open or create another</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
