import './system.css';
import { call, useApi } from '../../api/client.ts';
import { CopyButton } from '../../components/copy-button.tsx';
import { formatBytes, formatNumber } from '../../components/format.ts';
import { Facts, Page } from '../../components/page.tsx';
import { ErrorPanel, Loading } from '../../components/states.tsx';
import { CarePanel } from './care-panel.tsx';
import { CudaPanel } from './cuda-panel.tsx';
import { EventsPanel } from './events-panel.tsx';
import { NoticesPanel } from './notices-panel.tsx';
import { SelfTestPanel } from './self-test-panel.tsx';
import { SettingsPanel } from './settings-panel.tsx';

/** Versions, machine, cards, the engine's self-test, settings of this computer, care of the workspace and its log, licences. */
export function SystemPage() {
  const info = useApi('system.info', {});
  const workspace = useApi('workspaces.current', {});
  return (
    <Page title="System" actions={<CopyButton label="Copy diagnostics" text={() => call('system.diagnostics', {})} />}>
      {info.isPending && <Loading />}
      {info.isError && <ErrorPanel error={info.error} retry={() => void info.refetch()} />}
      {info.data !== undefined && (
        <section className="panel" aria-label="This machine">
          <Facts
            facts={[
              ['Longhand', `${info.data.version}${info.data.commit === null ? '' : ` (${info.data.commit})`}`],
              ['Runs in', info.data.shell === 'electron' ? 'Electron' : 'a browser, over the loopback host'],
              ['ONNX Runtime', info.data.onnxruntime],
              ['Node', info.data.node],
              ['System', info.data.platform],
              ['Processor', `${info.data.cpu}, ${info.data.cores} cores`],
              ['Memory', `${formatBytes(info.data.memoryFree)} free of ${formatBytes(info.data.memoryTotal)}`],
              [
                'Main process',
                `${formatBytes(info.data.mainRss)}, longest delay ${formatNumber(info.data.eventLoopDelay.max)} ms, 99% under ${formatNumber(info.data.eventLoopDelay.p99)} ms`,
              ],
              [
                'Engine process',
                info.data.engine === null
                  ? 'not running'
                  : `process ${info.data.engine.pid}${info.data.engine.peakBytes === null ? '' : `, peak ${formatBytes(info.data.engine.peakBytes)}`}`,
              ],
            ]}
          />
        </section>
      )}
      <SettingsPanel />
      <CarePanel hasWorkspace={workspace.data !== null && workspace.data !== undefined} />
      <CudaPanel />
      <SelfTestPanel hasWorkspace={workspace.data !== null && workspace.data !== undefined} />
      <EventsPanel />
      <NoticesPanel />
    </Page>
  );
}
