import { Alert, Button, Skeleton } from '@mantine/core';
import { Component, useEffect, useState } from 'react';
import type { ReactNode } from 'react';
import { ApiError } from '../api/transport.ts';

/** What went wrong, and what to do. */
export function ErrorPanel({ error, retry }: { readonly error: unknown; readonly retry?: () => void }) {
  const message = error instanceof Error ? error.message : String(error);
  const hint = error instanceof ApiError ? error.body.hint : null;
  return (
    <Alert color="red" variant="outline" role="alert" title={message}>
      {hint}
      {retry !== undefined && (
        <Button size="compact-xs" variant="default" onClick={retry} mt={hint === null ? 0 : 8}>
          Try again
        </Button>
      )}
    </Alert>
  );
}

/** What a page without content is for, and the one next step. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ReactNode }) {
  return (
    <div className="panel" style={{ padding: 24, maxWidth: 640 }}>
      <h2>{title}</h2>
      <div className="muted">{children}</div>
    </div>
  );
}

/** Grey lines, only once waiting has become noticeable. */
export function Loading({ lines = 6 }: { readonly lines?: number }) {
  const [shown, show] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => {
      show(true);
    }, 200);
    return () => {
      clearTimeout(timer);
    };
  }, []);
  if (!shown) return null;
  return (
    <div aria-label="Loading" role="status">
      {Array.from({ length: lines }, (_, i) => (
        <Skeleton key={i} height={14} mt={8} width={`${90 - ((i * 17) % 40)}%`} />
      ))}
    </div>
  );
}

/** Keeps a defect of one page from taking the window along. */
export class PageBoundary extends Component<{ readonly children: ReactNode }, { readonly error: unknown }> {
  override state: { readonly error: unknown } = { error: undefined };

  static getDerivedStateFromError(error: unknown): { readonly error: unknown } {
    return { error };
  }

  override render(): ReactNode {
    if (this.state.error === undefined) return this.props.children;
    return (
      <div className="page">
        <ErrorPanel
          error={this.state.error}
          retry={() => {
            this.setState({ error: undefined });
          }}
        />
      </div>
    );
  }
}
