import type { ReactNode } from 'react';
import type { ModelReport } from '../../../shared/model-report.ts';
import { formatBytes, formatCount } from '../../components/format.ts';
import { Facts } from '../../components/page.tsx';
import { MemoryPanel } from './memory-panel.tsx';

/** What is known of a model: problems, sizes, tokenizer, chat template on an example, memory by length. */
export function ModelPanel({
  title,
  note,
  report,
}: {
  readonly title: string;
  readonly note?: ReactNode;
  readonly report: ModelReport;
}) {
  const { tokenizer, problems } = report;
  const mono = (text: string): ReactNode => <span className="mono">{text}</span>;
  return (
    <section className="panel" aria-label={`Model ${title}`}>
      <h2>{title}</h2>
      {note}
      {problems.length > 0 && (
        <div role="alert" style={{ color: 'var(--fail)', marginBottom: 8 }}>
          <strong>
            {problems.length === 1 ? 'One problem stands' : `${problems.length} problems stand`} in the way:
          </strong>
          <ul style={{ margin: '2px 0', paddingLeft: 18 }}>
            {problems.map((problem) => (
              <li key={problem}>{problem}</li>
            ))}
          </ul>
        </div>
      )}
      <div style={{ display: 'grid', gridTemplateColumns: 'minmax(0, 1fr) minmax(0, 1fr)', gap: 20 }}>
        <Facts
          facts={[
            ['Folder', mono(report.path)],
            ['Architecture', report.architecture],
            ['Parameters', formatCount(report.parameters)],
            [
              'Layers',
              `${report.layers}, hidden size ${formatCount(report.hiddenSize)}, MLP ${formatCount(report.intermediateSize)}`,
            ],
            ['Attention', `${report.heads} heads of ${report.headDim}, ${report.kvHeads} key/value heads`],
            ['Context', `${formatCount(report.contextLength)} tokens`],
            ['RoPE', `${report.rope.type}, base ${formatCount(report.rope.theta)}`],
            [
              'Weights',
              `${formatBytes(report.weightBytes)} (${Object.keys(report.dtypes).join(', ') || 'none found'})`,
            ],
            [
              'Vocabulary',
              `${formatCount(report.vocabSize)} tokens${report.tiedEmbeddings ? ', embedding shared with the head' : ''}`,
            ],
            ...(tokenizer === null
              ? []
              : ([['Stops at', mono(tokenizer.stopTokens.join(' ') || 'no token')]] as const)),
            ['Fingerprint', mono(report.fingerprint.slice(0, 16))],
          ]}
        />
        <div>
          <div className="muted" style={{ marginBottom: 4 }}>
            Chat template on an example, up to where the answer begins
          </div>
          {report.chatExample === null ? (
            <span className="muted">There is no usable chat template.</span>
          ) : (
            <pre
              className="mono text"
              tabIndex={0}
              aria-label="Chat template on an example"
              style={{
                margin: 0,
                padding: 8,
                maxHeight: 210,
                overflow: 'auto',
                border: '1px solid var(--line)',
                borderRadius: 4,
              }}
            >
              {report.chatExample}
            </pre>
          )}
        </div>
      </div>
      <MemoryPanel report={report} />
    </section>
  );
}
