import { Button, SegmentedControl } from '@mantine/core';
import { colourSchema, useColours } from '../../app/colours.ts';
import { runCommand } from '../../commands/active-commands.ts';
import { ReviewerField } from '../pairs/reviewer-field.tsx';
import { useReviewer } from '../../settings/use-reviewer.ts';

const names = { auto: 'As the system', light: 'Light', dark: 'Dark' } as const;

/** What a person sets up on this computer: colours, their name, keys. */
export function SettingsPanel() {
  const [colours, setColours] = useColours();
  const [reviewer, setReviewer] = useReviewer();
  return (
    <section className="panel" aria-label="Settings">
      <h2>Settings</h2>
      <div className="row" style={{ gap: '8px 20px' }}>
        <span className="control">
          <span className="muted">Colours</span>
          <SegmentedControl
            size="xs"
            aria-label="Colours"
            data={colourSchema.options.map((value) => ({ value, label: names[value] }))}
            value={colours}
            onChange={setColours}
          />
        </span>
        <span className="control">
          <span className="muted">Reviewer</span>
          <ReviewerField reviewer={reviewer} onChange={setReviewer} />
        </span>
        <Button
          variant="default"
          onClick={() => {
            runCommand('keys.show');
          }}
        >
          Keys
        </Button>
      </div>
    </section>
  );
}
