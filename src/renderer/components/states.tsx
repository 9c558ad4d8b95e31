import { Alert, Button, Skeleton } from '@mantine/core';
import { Component, useEffect, useState } from 'react';
import type { ReactNode } from 'react';
import { ApiError } from '../api/transport.ts';
import { CopyButton } from './copy-button.tsx';

/** What a bug report needs of an error: the sentence, what to do, kind and place, and where it was shown. */
export function errorDetails(error: unknown): string {
  if (!(error instanceof ApiError)) {
    return [error instanceof Error ? (error.stack ?? error.message) : String(error), `page: ${location.hash}`].join(
      '\n',
    );
  }
  const { code, message, hint, place } = error.body;
  return [
    message,
    ...(hint === null ? [] : [hint]),
    `code: ${code}`,
    ...Object.entries(place).map(([key, value]) => `${key}: ${value}`),
    `page: ${location.hash}`,
    `time: ${new Date().toISOString()}`,
  ].join('\n');
}

/** What went wrong, and what to do; the details can be copied. */
export function ErrorPanel({ error, retry }: { readonly error: unknown; readonly retry?: () => void }) {
  const message = error instanceof Error ? error.message : String(error);
  const body = error instanceof ApiError ? error.body : null;
  const hint = body?.code === 'no_space' ? (body.hint ?? noSpaceHint) : (body?.hint ?? null);
  return (
    <Alert color="red" variant="outline" role="alert" title={message} className="error-panel">
      {hint !== null && <div style={{ marginBottom: 8 }}>{hint}</div>}
      <div className="row">
        {retry !== undefined && (
          <Button size="compact-xs" variant="default" onClick={retry}>
            Try again
          </Button>
        )}
        <CopyButton text={() => errorDetails(error)} label="Copy details" size="compact-xs" />
      </div>
    </Alert>
  );
}

const noSpaceHint = 'The disk is full. Free some space, then try again; what was stored before is kept.';

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
