import { Button, Popover } from '@mantine/core';
import type { ButtonProps } from '@mantine/core';
import { useState } from 'react';
import type { ReactNode } from 'react';

/** A button for what cannot be undone: it says what will happen and asks once more. Esc keeps everything as it is. */
export function ConfirmButton({
  children,
  question,
  verb,
  onConfirm,
  ...button
}: Omit<ButtonProps, 'children'> & {
  readonly children: ReactNode;
  /** What will happen, in one sentence. */
  readonly question: string;
  /** The word on the button that does it. */
  readonly verb: string;
  readonly onConfirm: () => void;
}) {
  const [opened, open] = useState(false);
  return (
    <Popover opened={opened} onChange={open} trapFocus returnFocus withArrow shadow="none" width={280}>
      <Popover.Target>
        <Button
          variant="default"
          {...button}
          onClick={() => {
            open((before) => !before);
          }}
        >
          {children}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <div style={{ marginBottom: 8 }}>{question}</div>
        <div style={{ display: 'flex', gap: 8, justifyContent: 'flex-end' }}>
          <Button
            variant="default"
            data-autofocus
            onClick={() => {
              open(false);
            }}
          >
            Keep
          </Button>
          <Button
            color="red"
            onClick={() => {
              open(false);
              onConfirm();
            }}
          >
            {verb}
          </Button>
        </div>
      </Popover.Dropdown>
    </Popover>
  );
}
