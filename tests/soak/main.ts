// `npm run test:soak`: documents, verdicts through the API and the calls behind the pages, over and over; says how the
// memory goes, by a straight line through the later half. --cycles N (500). Needs --expose-gc.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createApi } from '../../src/main/services/api/api.ts';
import { PathGrants } from '../../src/main/services/api/path-grants.ts';
import { RecentWorkspaces } from '../../src/main/services/api/recent-workspaces.ts';
import { Session } from '../../src/main/services/api/session.ts';
import { UserSettings } from '../../src/main/services/api/user-settings.ts';
import type { AuditPair } from '../../src/shared/audit/review.ts';
import { addDocuments, addPairs } from '../main/workspace/sample-texts.ts';

const { values } = parseArgs({ options: { cycles: { type: 'string', default: '500' } } });
const cycles = Number(values.cycles);
const folder = mkdtempSync(join(tmpdir(), 'longhand-soak-'));
const session = new Session({
  grants: new PathGrants([folder]),
  recent: new RecentWorkspaces(join(folder, 'recent.json')),
  settings: new UserSettings(join(folder, 'settings.json')),
  shell: 'loopback',
});
const call = createApi(session);
await call('workspaces.open', { folder: join(folder, 'ws'), create: true });
const { workspace } = session.context;
addPairs({ workspace }, 500);
const points: { x: number; y: number }[] = [];
for (let cycle = 0; cycle < cycles; cycle += 1) {
  addDocuments(workspace, [`A document of cycle ${cycle}.`]);
  for (let i = 0; i < 10; i += 1) {
    const pairId = 1 + ((cycle * 10 + i) % 1000);
    const { sha256: seen } = (await call('audit.pair', { pairId, reviewer: 'ann', blind: null })) as AuditPair;
    const review = { pairId, seen, reviewer: 'ann', blind: null, milliseconds: 1000, queue: { reviewer: 'ann' } };
    await call('audit.record', { ...review, verdict: 'first_better' });
  }
  for (const name of ['workspaces.current', 'documents.list', 'audit.order', 'runs.list', 'system.info', 'jobs.list']) {
    await call(name, {});
  }
  globalThis.gc?.();
  points.push({ x: cycle, y: process.memoryUsage().heapUsed });
}
await session.closeWorkspace();
rmSync(folder, { recursive: true, force: true });
const late = points.slice(points.length / 2);
const mean = (of: (point: { x: number; y: number }) => number): number =>
  late.reduce((sum, point) => sum + of(point), 0) / late.length;
const [x, y] = [mean((point) => point.x), mean((point) => point.y)];
const slope = mean((point) => (point.x - x) * (point.y - y)) / mean((point) => (point.x - x) ** 2);
console.log(
  `${cycles} cycles, ${cycles * 10} verdicts: heap ${(y / 2 ** 20).toFixed(1)} MiB, ${(slope / 1024).toFixed(2)} KiB a cycle`,
);
// A leak of one pair's texts a verdict would be several times this.
process.exitCode = slope < 8 * 1024 ? 0 : 1;
