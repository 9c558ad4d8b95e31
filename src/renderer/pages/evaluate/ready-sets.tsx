import { Checkbox } from '@mantine/core';
import type { BuiltInSet } from '../../../shared/api/evaluations.ts';
import { formatCount } from '../../components/format.ts';

/** The sets that come with Longhand by family, each and whole families to be ticked. */
export function ReadySets({
  sets,
  chosen,
  onChange,
}: {
  readonly sets: readonly BuiltInSet[];
  /** Names of tasks. */
  readonly chosen: readonly string[];
  readonly onChange: (names: readonly string[]) => void;
}) {
  const families = [...Map.groupBy(sets, ({ family }) => family)];
  const change = (names: readonly string[], on: boolean): void => {
    const others = chosen.filter((name) => !names.includes(name));
    onChange(on ? [...others, ...names] : others);
  };
  return (
    <fieldset className="ready-sets">
      <legend>
        Sets that come with Longhand <span className="muted">and their items</span>
      </legend>
      {families.map(([family, members]) => {
        const names = members.map(({ task }) => task.name);
        const ticked = names.filter((name) => chosen.includes(name)).length;
        return (
          <div key={family} role="group" aria-label={family}>
            <Checkbox
              size="xs"
              label={family}
              aria-label={`${family}, all`}
              checked={ticked === names.length}
              indeterminate={ticked > 0 && ticked < names.length}
              onChange={(event) => {
                change(names, event.currentTarget.checked);
              }}
            />
            <div className="members">
              {members.map(({ task: { name }, label, items }) => (
                <Checkbox
                  key={name}
                  size="xs"
                  label={
                    <>
                      {label} <span className="muted">{formatCount(items)}</span>
                    </>
                  }
                  checked={chosen.includes(name)}
                  onChange={(event) => {
                    change([name], event.currentTarget.checked);
                  }}
                />
              ))}
            </div>
          </div>
        );
      })}
    </fieldset>
  );
}
