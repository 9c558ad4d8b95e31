import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { UserError } from '../../../shared/errors.ts';
import { PathGrants } from '../../services/api/path-grants.ts';
import { RecentWorkspaces } from '../../services/api/recent-workspaces.ts';
import { Session } from '../../services/api/session.ts';
import { UserSettings } from '../../services/api/user-settings.ts';
import { startLoopbackHost } from './loopback-host.ts';

const root = join(import.meta.dirname, '..', '..', '..', '..');

/** Folder of the user's settings (recent workspaces), by the system's custom. */
export function settingsFolder(): string {
  const named = process.env['LONGHAND_SETTINGS'];
  if (named !== undefined && named !== '') return resolve(named);
  if (process.platform === 'win32') return join(process.env['APPDATA'] ?? homedir(), 'Longhand');
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'Longhand');
  return join(process.env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'longhand');
}

/** `npm start -- --browser [--port N] [--workspace DIR] [--allow DIR]...`: serves the application until Ctrl+C. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      browser: { type: 'boolean' },
      port: { type: 'string', default: '0' },
      workspace: { type: 'string' },
      allow: { type: 'string', multiple: true, default: [] },
    },
  });
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new UserError('invalid_input', `--port ${values.port} is not a port.`, {
      hint: 'Give a number from 0 to 65535.',
    });
  }
  const renderer = join(root, 'out', 'renderer');
  if (!existsSync(join(renderer, 'index.html'))) {
    throw new UserError('not_found', 'The application is not built.', {
      hint: 'Run "npm run build" first.',
      place: { file: renderer },
    });
  }
  const allowed = [
    ...values.allow,
    ...(values.workspace === undefined ? [] : [values.workspace]),
    homedir(),
    process.cwd(),
  ];
  const session = new Session({
    grants: new PathGrants(allowed),
    recent: new RecentWorkspaces(join(settingsFolder(), 'recent-workspaces.json')),
    settings: new UserSettings(join(settingsFolder(), 'settings.json')),
    shell: 'loopback',
  });
  if (values.workspace !== undefined) await session.openWorkspace(resolve(values.workspace), true);
  const host = await startLoopbackHost({ session, renderer, port });
  console.log(`Longhand is at ${host.address}`);
  console.log(
    'The address works once, in one browser on this computer. Ctrl+C stops Longhand; a running job is paused.',
  );
  let stopping = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(130);
      stopping = true;
      void host.close().then(() => process.exit(0));
    });
  }
}

try {
  await main();
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.error(`error: ${error.message}`);
  if (error.hint !== undefined) console.error(`  what to do: ${error.hint}`);
  process.exitCode = 2;
}
