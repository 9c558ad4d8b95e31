import { Button } from '@mantine/core';
import { saveBlob } from '../../charts/save-picture.ts';
import { CopyButton } from '../../components/copy-button.tsx';

/** Takes a report's figures elsewhere: unrounded as CSV, for a text as Markdown. */
export function ReportActions({
  name,
  csv,
  markdown,
}: {
  /** Of the file, without its ending. */
  readonly name: string;
  readonly csv: () => string;
  readonly markdown: () => string;
}) {
  return (
    <>
      <Button
        variant="default"
        onClick={() => {
          saveBlob(`${name}.csv`, new Blob([csv()], { type: 'text/csv' }));
        }}
      >
        Save as CSV
      </Button>
      <CopyButton text={markdown} label="Copy as Markdown" />
    </>
  );
}
