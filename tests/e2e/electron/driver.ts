// Runs a built Electron entry (first argument) with the stand-in for `electron`, uses the application through it as a
// window would, and prints what happened as one line of JSON.
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';

const standIn = new URL('./stand-in.ts', import.meta.url).href;
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'electron' ? { url: standIn, shortCircuit: true } : next(specifier, context),
});

const [entry = '', workspace = ''] = process.argv.slice(2);
await import(pathToFileURL(entry).href);
const { app, calls, ipcHandlers, sessionHandlers, windows } = await import('./stand-in.ts');
const [window] = windows;
if (window === undefined) {
  console.log(JSON.stringify({ calls }));
  process.exit(0);
}

const own = { senderFrame: { parent: null, url: 'app://longhand/' } };
const call = async (name: string, input: unknown, event: unknown = own): Promise<unknown> => {
  const answer = await ipcHandlers.get('longhand:call')?.(event, name, input);
  return answer;
};
interface Answered<Value> {
  readonly ok: boolean;
  readonly value: Value;
}
interface Job {
  readonly id: number;
  readonly status: string;
  readonly result: unknown;
  readonly error: unknown;
}

const opened = await call('workspaces.open', { folder: workspace, create: true });
await call('system.selfTest', {});
let job: Job | undefined;
do {
  await new Promise((resolve) => setTimeout(resolve, 50));
  [job] = ((await call('jobs.list', {})) as Answered<Job[]>).value;
} while (job !== undefined && ['waiting', 'running'].includes(job.status));

const refused = await call('jobs.list', {}, { senderFrame: { parent: null, url: 'https://example.org/' } }).then(
  () => 'answered',
  (error: unknown) => String(error),
);
let prevented = false;
window.webContents.emit('will-navigate', {
  url: 'https://example.org/',
  preventDefault: () => {
    prevented = true;
  },
});
const permission = await new Promise((resolve) => {
  sessionHandlers.get('permissionRequest')?.(null, 'media', resolve);
});
const request = await new Promise((resolve) => {
  sessionHandlers.get('beforeRequest')?.({ url: 'https://example.org/pixel.png' }, resolve);
});
const sent = window.webContents.sent.length;
const done = new Promise((resolve) => {
  const quit = app.quit.bind(app);
  app.quit = () => {
    quit();
    resolve(undefined);
  };
});
window.emit('close');
window.emit('closed');
app.emit('window-all-closed');
await done;
console.log(
  JSON.stringify({
    ...{ calls, options: window.options, opened, job, refused, prevented, permission, request },
    ...{ newWindow: window.webContents.openHandler?.({ url: 'https://example.org/' }), sent },
  }),
);
