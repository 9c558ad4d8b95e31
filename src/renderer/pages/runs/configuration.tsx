import { Select, Switch } from '@mantine/core';
import { useState } from 'react';
import { presetLabels, presets } from '../../../shared/presets.ts';
import type { PresetName } from '../../../shared/presets.ts';
import { parseRunConfig } from '../../../shared/run-config.ts';
import { runConfigHelp } from '../../../shared/run-config-help.ts';
import type { RunConfig } from '../../../shared/run-config.ts';
import type { RunRow } from '../../../shared/runs.ts';
import { settingsSideBySide } from '../../../shared/settings-of.ts';
import { formatCount } from '../../components/format.ts';

/** Settings that say where and how a run is computed, not what: they make no preset nearer. */
const elsewhere = ['device', 'threads', 'seed'];

/** The preset with the fewest differences. */
export function nearestPreset(config: RunConfig): PresetName {
  const names = Object.keys(presets) as PresetName[];
  const distance = (name: PresetName): number =>
    settingsSideBySide([config, parseRunConfig(presets[name])]).filter(
      ({ path, differs }) => differs && !elsewhere.includes(path),
    ).length;
  return names.reduce((best, name) => (distance(name) < distance(best) ? name : best));
}

/** A run's immutable configuration beside a preset's. */
export function Configuration({ run, config }: { readonly run: RunRow; readonly config: RunConfig }) {
  const [preset, setPreset] = useState<PresetName>(() => nearestPreset(config));
  const [only, showOnly] = useState(false);
  const rows = settingsSideBySide([config, parseRunConfig(presets[preset])]);
  const differing = rows.filter(({ differs }) => differs).length;
  return (
    <div className="panel">
      <div className="row" style={{ marginBottom: 6 }}>
        <h2 style={{ margin: 0 }}>Configuration (does not change)</h2>
        <span className="end row">
          <Switch
            size="sm"
            label={`Differences only (${differing})`}
            checked={only}
            onChange={(event) => {
              showOnly(event.currentTarget.checked);
            }}
          />
          <Select
            size="xs"
            w={170}
            aria-label="Preset to compare with"
            data={Object.entries(presetLabels).map(([value, label]) => ({ value, label }))}
            value={preset}
            allowDeselect={false}
            onChange={(value) => {
              if (value !== null) setPreset(value as PresetName);
            }}
          />
        </span>
      </div>
      <table className="data" aria-label="Configuration">
        <thead>
          <tr>
            <th>Setting</th>
            <th>This run</th>
            <th>{presetLabels[preset]}</th>
          </tr>
        </thead>
        <tbody>
          {!only && (
            <>
              <tr>
                <td className="muted">data</td>
                <td colSpan={2}>
                  {formatCount(run.pairCount)} pairs, {formatCount(run.heldOutCount)} held out{' '}
                  <span className="mono muted">{run.dataSha256.slice(0, 12)}</span>
                </td>
              </tr>
              <tr>
                <td className="muted">code</td>
                <td colSpan={2} className="mono">
                  {run.codeVersion}
                </td>
              </tr>
            </>
          )}
          {rows
            .filter(({ differs }) => differs || !only)
            .map(({ path, values: [own, theirs], differs }) => (
              <tr key={path}>
                <td className="muted" title={runConfigHelp[path]?.text}>
                  {path}
                </td>
                <td className="mono" style={{ overflowWrap: 'anywhere', fontWeight: differs ? 600 : undefined }}>
                  {own ?? ''}
                </td>
                <td className="mono muted" style={{ overflowWrap: 'anywhere' }}>
                  {differs ? (theirs ?? 'none') : 'same'}
                </td>
              </tr>
            ))}
        </tbody>
      </table>
    </div>
  );
}
