import { auditMethods } from './audit.ts';
import { agreementMethods } from './agreement.ts';
import { bundleMethods } from './bundles.ts';
import { documentMethods } from './documents.ts';
import { evaluationMethods } from './evaluations.ts';
import { extensionMethods } from './extensions.ts';
import { exportMethods } from './exports.ts';
import { generationMethods } from './generations.ts';
import { jobMethods } from './jobs.ts';
import type { ApiJob } from './jobs.ts';
import type { InputOf, OutputOf, ParsedInputOf } from './method.ts';
import { modelMethods } from './models.ts';
import { pairMethods } from './pairs.ts';
import { runMethods } from './runs.ts';
import { settingMethods } from './settings.ts';
import { systemMethods } from './system.ts';
import { workspaceMethods } from './workspaces.ts';

/** Everything that a window can ask of main; a name without a handler does not compile. */
export const contract = {
  ...workspaceMethods,
  ...modelMethods,
  ...documentMethods,
  ...generationMethods,
  ...pairMethods,
  ...auditMethods,
  ...agreementMethods,
  ...bundleMethods,
  ...runMethods,
  ...evaluationMethods,
  ...extensionMethods,
  ...exportMethods,
  ...jobMethods,
  ...settingMethods,
  ...systemMethods,
};

export type ApiMethod = keyof typeof contract;
export type ApiInput<Name extends ApiMethod> = InputOf<(typeof contract)[Name]>;
export type ApiParsedInput<Name extends ApiMethod> = ParsedInputOf<(typeof contract)[Name]>;
export type ApiOutput<Name extends ApiMethod> = OutputOf<(typeof contract)[Name]>;

/** Input and output of every method, for a typed client. */
export type Api = {
  readonly [Name in ApiMethod]: { readonly input: ApiInput<Name>; readonly output: ApiOutput<Name> };
};

export const topics = [
  'workspace',
  'models',
  'documents',
  'pairs',
  'reviews',
  'scores',
  'generations',
  'runs',
  'metrics',
  'evaluations',
  'extensions',
  'settings',
  'demo',
] as const;
export type Topic = (typeof topics)[number];

/**
 * What main tells without being asked. `changed` says that answers on the topic (and row) may differ now; the data
 * itself is asked for with a cursor. After a reconnect a window asks again for all that it shows.
 */
export type ApiEvent =
  | { readonly type: 'job'; readonly job: ApiJob }
  | { readonly type: 'changed'; readonly topic: Topic; readonly id: number | null };

/** How a window reaches main: HTTP and WebSocket on the loopback host, IPC in Electron. */
export interface ApiTransport {
  call<Name extends ApiMethod>(name: Name, input: ApiInput<Name>): Promise<ApiOutput<Name>>;
  /** Returns the function that ends the subscription. */
  subscribe(listener: (event: ApiEvent) => void): () => void;
}
