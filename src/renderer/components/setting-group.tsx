import type { ReactNode } from 'react';

/** The settings of one subject, three in a line. */
export function SettingGroup({
  title,
  panel = false,
  children,
}: {
  readonly title: string;
  /** With a frame of its own. */
  readonly panel?: boolean;
  readonly children: ReactNode;
}) {
  return (
    <section
      className={panel ? 'panel' : undefined}
      aria-label={title}
      style={{ display: 'grid', gridTemplateColumns: 'repeat(3, minmax(0, 1fr))', gap: '8px 12px' }}
    >
      <h2 style={{ gridColumn: '1 / -1', margin: 0 }}>{title}</h2>
      {children}
    </section>
  );
}
