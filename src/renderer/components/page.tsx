import type { ReactNode } from 'react';

/** A page's frame: title, what it says in short, actions on the right. */
export function Page({
  title,
  note,
  actions,
  children,
}: {
  readonly title: string;
  readonly note?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}) {
  return (
    <section className="page" aria-label={title}>
      <header>
        <h1>{title}</h1>
        <span className="muted">{note}</span>
        <span style={{ marginLeft: 'auto', display: 'flex', gap: 8 }}>{actions}</span>
      </header>
      {children}
    </section>
  );
}

/** Pairs of name and value in two columns. */
export function Facts({ facts }: { readonly facts: readonly (readonly [name: string, value: ReactNode])[] }) {
  return (
    <dl style={{ display: 'grid', gridTemplateColumns: 'max-content 1fr', gap: '3px 16px', margin: 0 }}>
      {facts.map(([name, value]) => [
        <dt key={`${name} name`} className="muted">
          {name}
        </dt>,
        <dd key={name} style={{ margin: 0, overflowWrap: 'anywhere' }}>
          {value}
        </dd>,
      ])}
    </dl>
  );
}
