import { Switch } from '@mantine/core';
import { useState } from 'react';
import type { RunView } from '../../../shared/api/runs.ts';
import { runConfigHelp } from '../../../shared/run-config-help.ts';
import { settingsSideBySide } from '../../../shared/settings-of.ts';
import { useCommands } from '../../commands/active-commands.ts';
import { formatCount } from '../../components/format.ts';

/** The configurations of several runs, a column each; only what differs, unless all is asked for. */
export function SettingsTable({ views }: { readonly views: readonly RunView[] }) {
  const [only, showOnly] = useState(true);
  useCommands({
    'compare.differences': () => {
      showOnly((before) => !before);
    },
  });
  const rows = settingsSideBySide(
    views.map(({ run, config, parent }) => ({
      model: run.modelFingerprint.slice(0, 12),
      data: `${run.dataSha256.slice(0, 12)}, ${formatCount(run.pairCount)} pairs`,
      code: run.codeVersion,
      'goes on from': parent === null ? 'the model' : `run ${parent.runId}, step ${parent.step}`,
      ...config,
    })),
  );
  const shown = rows.filter(({ differs }) => differs || !only);
  return (
    <section className="panel" aria-label="Configurations">
      <div className="row" style={{ marginBottom: 6 }}>
        <h2 style={{ margin: 0 }}>Configurations</h2>
        <span className="end">
          <Switch
            size="sm"
            label="Differences only"
            checked={only}
            onChange={(event) => {
              showOnly(event.currentTarget.checked);
            }}
          />
        </span>
      </div>
      {shown.length === 0 ? (
        <span className="muted">
          {views.length < 2 ? 'Choose a second run to see differences.' : 'All settings are the same.'}
        </span>
      ) : (
        <div style={{ overflowX: 'auto' }}>
          <table className="data" aria-label="Settings side by side">
            <thead>
              <tr>
                <th>Setting</th>
                {views.map(({ run }) => (
                  <th key={run.id}>run {run.id}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {shown.map(({ path, values, differs }) => (
                <tr key={path}>
                  <td className="muted" title={runConfigHelp[path]?.text}>
                    {path}
                  </td>
                  {values.map((value, i) => (
                    <td
                      key={views[i]?.run.id}
                      className="mono"
                      style={{ fontWeight: differs && !only ? 600 : undefined, overflowWrap: 'anywhere' }}
                    >
                      {value ?? ''}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
