import { join } from 'node:path';
import type { ApiEvent, Topic } from '../../../shared/api/contract.ts';
import type { ApiJob } from '../../../shared/api/jobs.ts';
import { UserError } from '../../../shared/errors.ts';
import { CARD_SETTING, adoptCard } from '../cuda/chosen-card.ts';
import { foundWhole } from '../../workspace/opening-check.ts';
import { databaseName } from '../../workspace/workspace.ts';
import { openContext } from '../context.ts';
import type { ServiceContext } from '../context.ts';
import { ApiJobs } from './api-jobs.ts';
import { changedByJob } from './changed-by-job.ts';
import { restoreJobs } from './resumable-jobs.ts';
import type { PathGrants } from './path-grants.ts';
import type { RecentWorkspaces } from './recent-workspaces.ts';
import type { UserSettings } from './user-settings.ts';

export interface SessionOptions {
  readonly grants: PathGrants;
  readonly recent: RecentWorkspaces;
  readonly settings: UserSettings;
  readonly shell: 'electron' | 'loopback';
}

/** Progress and metrics come many times a second; windows hear of them at once, but at most this often. */
const quietMilliseconds = 100;

const ignore = (): void => undefined;

/** The one open workspace with its engine and jobs, and who listens to what happens. */
export class Session {
  readonly grants: PathGrants;
  readonly recent: RecentWorkspaces;
  readonly settings: UserSettings;
  readonly shell: SessionOptions['shell'];
  readonly jobs: ApiJobs;
  readonly #listeners = new Set<(event: ApiEvent) => void>();
  readonly #held = new Map<string, ApiEvent>();
  #timer: NodeJS.Timeout | undefined;
  #told = 0;
  #context: (ServiceContext & { close(): Promise<void> }) | undefined;
  #away: Promise<void> | undefined;

  constructor(options: SessionOptions) {
    this.grants = options.grants;
    this.recent = options.recent;
    this.settings = options.settings;
    this.shell = options.shell;
    // What was set from outside counts more than what was chosen in a window before.
    if ((process.env['LONGHAND_CUDA_DEVICE'] ?? '') === '') adoptCard(options.settings.all()[CARD_SETTING]);
    this.jobs = new ApiJobs((job) => {
      this.#hold(`job ${job.id}`, { type: 'job', job });
      const topics: Partial<Record<ApiJob['kind'], readonly Topic[]>> = changedByJob;
      if (job.endedAt !== null) for (const topic of topics[job.kind] ?? []) this.changed(topic);
    });
  }

  /** The open workspace. @throws UserError('conflict') while there is none */
  get context(): ServiceContext {
    if (this.#context === undefined) {
      throw new UserError('conflict', 'No workspace is open.', { hint: 'Open or create a workspace first.' });
    }
    return this.#context;
  }

  get open(): boolean {
    return this.#context !== undefined;
  }

  /** Opens a workspace in the place of the one that is open. On an error the old one stays. */
  async openWorkspace(folder: string, create: boolean): Promise<ServiceContext> {
    if (this.#context !== undefined && this.#context.workspace.folder === folder) return this.#context;
    const checked = await foundWhole(folder, join(folder, databaseName), 'lock.json');
    // Another call may have opened it meanwhile.
    if (this.#context !== undefined && this.#context.workspace.folder === folder) return this.#context;
    const next = openContext(folder, { create, checked, program: 'Longhand' });
    await this.closeWorkspace();
    this.#context = next;
    restoreJobs(this);
    await this.recent.add(next.workspace.folder);
    this.changed('workspace');
    return next;
  }

  async closeWorkspace(): Promise<void> {
    const context = this.#context;
    if (context === undefined) return;
    await this.jobs.close();
    this.jobs.clear();
    this.#context = undefined;
    await context.close();
    this.changed('workspace');
  }

  /**
   * Closes the open workspace, has its folder worked on and opens it again. Calls that come meanwhile wait (`present`), so
   * that no window takes it for closed.
   */
  async whileClosed<T>(work: (folder: string) => Promise<T>): Promise<T> {
    const { folder } = this.context.workspace;
    const away = (async (): Promise<T> => {
      await this.closeWorkspace();
      try {
        return await work(folder);
      } finally {
        await this.openWorkspace(folder, false);
      }
    })();
    this.#away = away.then(ignore, ignore).then(() => {
      this.#away = undefined;
    });
    return away;
  }

  /** Waits while the workspace is closed for a moment. */
  async present(): Promise<void> {
    while (this.#away !== undefined) await this.#away;
  }

  subscribe(listener: (event: ApiEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tells the windows that answers on a topic may differ now. */
  changed(topic: Topic, id: number | null = null): void {
    this.#hold(`${topic} ${id}`, { type: 'changed', topic, id });
  }

  #hold(key: string, event: ApiEvent): void {
    this.#held.set(key, event);
    const wait = Math.max(0, this.#told + quietMilliseconds - performance.now());
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#told = performance.now();
      const events = [...this.#held.values()];
      this.#held.clear();
      for (const listener of this.#listeners) for (const held of events) listener(held);
    }, wait);
  }
}
