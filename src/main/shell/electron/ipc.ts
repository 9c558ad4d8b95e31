import type { IpcMain, IpcMainInvokeEvent, WebContents } from 'electron';
import type { ApiEvent } from '../../../shared/api/contract.ts';
import type { CallApi } from '../../services/api/api.ts';
import { errorBody } from '../../services/api/error-body.ts';
import { isOwnPage } from './navigation-rules.ts';

/** What a call gives: errors cross as data, since IPC would turn them into plain text. */
export type IpcAnswer =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown };

export const CALL_CHANNEL = 'longhand:call';
export const EVENT_CHANNEL = 'longhand:event';
export const CHOOSE_CHANNEL = 'longhand:choose';

/** Only the top frame of our own page may call. */
export function isTrusted({ senderFrame }: Pick<IpcMainInvokeEvent, 'senderFrame'>): boolean {
  return senderFrame !== null && senderFrame.parent === null && isOwnPage(senderFrame.url);
}

/** Answers API calls of the window. */
export function handleCalls(ipcMain: Pick<IpcMain, 'handle'>, call: CallApi): void {
  ipcMain.handle(CALL_CHANNEL, async (event, name: unknown, input: unknown): Promise<IpcAnswer> => {
    if (!isTrusted(event)) throw new Error('refused: the call does not come from the application');
    if (typeof name !== 'string') throw new Error('refused: a call names its method');
    try {
      return { ok: true, value: await call(name, input) };
    } catch (error) {
      return { ok: false, error: errorBody(error) };
    }
  });
}

/** Passes events on to the window for as long as it lives. */
export function sendEvents(
  contents: Pick<WebContents, 'send' | 'isDestroyed'>,
  subscribe: (listener: (event: ApiEvent) => void) => () => void,
): () => void {
  return subscribe((event) => {
    if (!contents.isDestroyed()) contents.send(EVENT_CHANNEL, event);
  });
}
