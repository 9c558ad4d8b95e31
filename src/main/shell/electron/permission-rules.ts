import type { Session } from 'electron';

/** Permissions that the application itself needs: copying text to the clipboard. */
const granted: ReadonlySet<string> = new Set(['clipboard-sanitized-write']);

/** Camera, microphone, location, notifications, devices and all the rest are denied, whoever asks. */
export function denyPermissions(
  session: Pick<Session, 'setPermissionRequestHandler' | 'setPermissionCheckHandler' | 'setDevicePermissionHandler'>,
): void {
  session.setPermissionRequestHandler((_contents, permission, answer) => {
    answer(granted.has(permission));
  });
  session.setPermissionCheckHandler((_contents, permission) => granted.has(permission));
  session.setDevicePermissionHandler(() => false);
}
