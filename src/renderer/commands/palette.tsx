import { Spotlight } from '@mantine/spotlight';
import { runCommand, useActiveCommands } from './active-commands.ts';
import { commandOf } from './command-table.ts';
import { useKeyLabel } from './use-keymap.ts';

/** Everything that can be done now, found by typing. Opened by the command `palette.open`. */
export function Palette() {
  const commands = useActiveCommands();
  const labelOf = useKeyLabel();
  return (
    <Spotlight
      actions={commands
        .filter((id) => id !== 'palette.open')
        .map((id) => ({
          id,
          label: commandOf(id).label,
          rightSection: labelOf(id) === '' ? undefined : <span className="key">{labelOf(id)}</span>,
          onClick: () => {
            runCommand(id);
          },
        }))}
      shortcut={null}
      searchProps={{ placeholder: 'What do you want to do?', 'aria-label': 'Command' }}
      nothingFound="No such command"
      highlightQuery
      shadow="none"
      overlayProps={{ blur: 0, backgroundOpacity: 0.4 }}
      styles={{ content: { border: '1px solid var(--line)' } }}
      scrollable
      maxHeight={420}
    />
  );
}
