import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { createApi } from '../../../../src/main/services/api/api.ts';
import { PathGrants } from '../../../../src/main/services/api/path-grants.ts';
import { RecentWorkspaces } from '../../../../src/main/services/api/recent-workspaces.ts';
import { Session } from '../../../../src/main/services/api/session.ts';
import { UserSettings } from '../../../../src/main/services/api/user-settings.ts';
import type { ApiInput, ApiMethod, ApiOutput } from '../../../../src/shared/api/contract.ts';
import { isAlive } from '../../../../src/shared/api/jobs.ts';
import type { ApiJob } from '../../../../src/shared/api/jobs.ts';

/** A call as the page makes it, without the wire. */
export type Call = <Name extends ApiMethod>(name: Name, input: ApiInput<Name>) => Promise<ApiOutput<Name>>;

/**
 * The real session behind the calls of the pages; its settings lie in `settings`.
 * @param grants folders that it may use
 */
export function testSession(grants: readonly string[], settings: string) {
  const session = new Session({
    grants: new PathGrants([...grants]),
    recent: new RecentWorkspaces(join(settings, 'recent.json')),
    settings: new UserSettings(join(settings, 'settings.json')),
    shell: 'loopback',
  });
  const api = createApi(session);
  const call: Call = async (name, input) => (await api(name, input)) as never;
  /** A job once it has ended. */
  const settled = async (jobId: number): Promise<ApiJob> => {
    for (;;) {
      const job = (await call('jobs.list', {})).find(({ id }) => id === jobId);
      if (job !== undefined && !isAlive(job)) return job;
      await setTimeout(20);
    }
  };
  return { session, call, settled };
}
