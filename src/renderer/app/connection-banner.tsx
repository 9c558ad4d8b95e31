import { useConnected } from '../api/client.ts';

/** Says that main is out of reach for as long as it is; what is on the screen stays. */
export function ConnectionBanner() {
  if (useConnected()) return null;
  return (
    <div className="banner" role="alert">
      <strong>Longhand does not answer.</strong> This page tries again every second and goes on by itself. If it was
      stopped, start it again and open the address that it prints: what was stored is kept, and a job that ran can go
      on.
    </div>
  );
}
