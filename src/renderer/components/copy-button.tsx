import { Button } from '@mantine/core';
import type { ButtonProps } from '@mantine/core';
import { useEffect, useState } from 'react';

/** Copies a text, says that it did, and says so where the browser does not allow it. */
export function CopyButton({
  text,
  label,
  ...button
}: Omit<ButtonProps, 'children'> & {
  /** Asked for when the button is pressed. */
  readonly text: () => string | Promise<string>;
  readonly label: string;
}) {
  const [state, setState] = useState<'idle' | 'copied' | 'failed'>('idle');
  useEffect(() => {
    if (state === 'idle') return;
    const timer = setTimeout(() => {
      setState('idle');
    }, 2000);
    return () => {
      clearTimeout(timer);
    };
  }, [state]);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(await text());
      setState('copied');
    } catch {
      setState('failed');
    }
  };
  return (
    <Button variant="default" {...button} onClick={() => void copy()}>
      <span role="status">{state === 'copied' ? 'Copied' : state === 'failed' ? 'Could not copy' : label}</span>
    </Button>
  );
}
