import { Select } from '@mantine/core';
import type { CudaCard, CudaLibrary } from '../../../shared/cuda-report.ts';
import { useApi, useApiMutation } from '../../api/client.ts';
import { formatBytes } from '../../components/format.ts';
import { Facts } from '../../components/page.tsx';
import { ErrorPanel, Loading } from '../../components/states.tsx';

const states: Readonly<Record<CudaLibrary['status'], string>> = {
  found: 'found',
  missing: 'missing',
  damaged: 'damaged',
  other_version: 'another version',
};

function memoryOf({ memoryTotal, memoryUsed }: CudaCard): string {
  if (memoryTotal === null) return 'memory unknown';
  return memoryUsed === null
    ? formatBytes(memoryTotal)
    : `${formatBytes(memoryTotal - memoryUsed)} free of ${formatBytes(memoryTotal)}`;
}

/** Whether NVIDIA cards can be used: what stands in the way and what to do, driver, cards, libraries. */
export function CudaPanel() {
  const report = useApi('system.cuda', {});
  const set = useApiMutation('settings.set');
  if (report.isPending) return <Loading lines={3} />;
  if (report.isError) return <ErrorPanel error={report.error} retry={() => void report.refetch()} />;
  const { usable, driver, cards, chosen, provider, libraries, problems, folder } = report.data;
  const wrong = libraries.filter(({ status }) => status !== 'found');
  return (
    <section className="panel" aria-label="NVIDIA cards">
      <h2>
        NVIDIA cards:{' '}
        <span style={{ color: usable ? 'var(--short)' : 'var(--warn)' }}>
          {usable ? 'CUDA can be used' : 'CUDA cannot be used; the processor can'}
        </span>
      </h2>
      {problems.length > 0 && (
        <ul style={{ margin: '0 0 8px', paddingLeft: 18 }}>
          {problems.map(({ kind, message, hint }) => (
            <li key={`${kind} ${message}`}>
              {message} <span className="muted">{hint}</span>
            </li>
          ))}
        </ul>
      )}
      <Facts
        facts={[
          ['Driver', driver === null ? 'none' : `${driver.version} (${driver.from})`],
          [
            'Provider',
            `${provider.installed ?? 'not installed'}${provider.installed === provider.wanted ? '' : `, ${provider.wanted} wanted`}`,
          ],
          [
            'Libraries',
            libraries.length === 0
              ? 'not looked for'
              : `${libraries.length - wrong.length} of ${libraries.length} found`,
          ],
          [
            'Folder',
            <span key="folder" className="mono">
              {folder}
            </span>,
          ],
        ]}
      />
      {cards.length > 1 && (
        <Select
          label="Card that runs use"
          description="Counts from the engine's next start."
          inputWrapperOrder={['label', 'input', 'description', 'error']}
          w={360}
          mt={8}
          placeholder="Choose a card"
          allowDeselect={false}
          error={set.error?.message}
          data={cards.map(({ uuid, index, name }) => ({ value: uuid, label: `${index}: ${name}` }))}
          value={chosen}
          onChange={(value) => {
            if (value === null) return;
            set.mutate({ key: 'cuda.card', value }, { onSuccess: () => void report.refetch() });
          }}
        />
      )}
      {cards.length > 0 && (
        <table className="data" aria-label="Cards" style={{ marginTop: 8 }}>
          <thead>
            <tr>
              <th>Card</th>
              <th>Compute capability</th>
              <th>Memory</th>
              <th>Programs on it</th>
            </tr>
          </thead>
          <tbody>
            {cards.map((card) => (
              <tr key={card.uuid}>
                <td>
                  {card.index}: {card.name} {card.uuid === chosen && <span className="muted">chosen</span>}
                </td>
                <td>{card.computeCapability ?? 'unknown'}</td>
                <td>{memoryOf(card)}</td>
                <td>
                  {card.processes
                    .map(({ name, memory }) => `${name}${memory === null ? '' : ` ${formatBytes(memory)}`}`)
                    .join(', ') || 'none'}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {wrong.length > 0 && (
        <details style={{ marginTop: 8 }}>
          <summary>Libraries that are not there</summary>
          <table className="data" aria-label="Libraries that are not there" style={{ fontSize: 12 }}>
            <tbody>
              {wrong.map(({ file, from, status }) => (
                <tr key={file}>
                  <td className="mono">{file}</td>
                  <td>{states[status]}</td>
                  <td className="muted">{from}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </details>
      )}
    </section>
  );
}
