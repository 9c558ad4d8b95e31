import type { RopeSettings } from '../model/rope.ts';
import type { ReferenceEvent, ReferenceName, ReferenceTurns } from '../protocol/jobs.ts';
import type { TrainingExample } from '../training/example.ts';
import type { AnswerLogps, AnswerTree } from '../training/objectives.ts';
import { referenceKey } from '../training/reference.ts';
import type { ReferenceCache, ScoreOptions } from '../training/reference.ts';
import type { EventSink } from './job-context.ts';

const KEYS = 500;
/** Rows scored between two writes: what a kill can cost. */
const ROWS = 32;

/**
 * The workspace's store of reference log-probabilities as the trainer's cache: what is known is read at once, what is
 * new is written in groups (`flush` writes the rest).
 */
export class ReferenceStore implements ReferenceCache {
  readonly #context: EventSink<ReferenceEvent>;
  readonly #model: { readonly fingerprint: string; readonly rope: RopeSettings };
  readonly #known = new Map<string, AnswerLogps>();
  #unwritten: (ReferenceName & ReferenceTurns)[] = [];

  constructor(
    context: EventSink<ReferenceEvent>,
    model: { readonly fingerprint: string; readonly rope: RopeSettings },
  ) {
    this.#context = context;
    this.#model = model;
  }

  /** Reads what the store knows of these examples. */
  async load(examples: readonly TrainingExample[], contexts: ScoreOptions['contexts']): Promise<void> {
    await this.loadTrees(
      examples.flatMap(({ tree, short }) => [...(contexts.short ? short : []), ...(contexts.long ? [tree] : [])]),
    );
  }

  /** Reads what the store knows of these rows. */
  async loadTrees(trees: readonly AnswerTree[]): Promise<void> {
    const keys = [...new Set(trees.map((tree) => referenceKey(this.#model, tree)))];
    for (let start = 0; start < keys.length; start += KEYS) {
      const part = keys.slice(start, start + KEYS);
      const found = await this.#context.emit({ type: 'findReferences', keys: part.map((key) => this.#name(key)) });
      for (const [i, key] of part.entries()) {
        const turns = found[i];
        if (turns !== undefined && turns !== null) this.#known.set(key, fromTurns(turns));
      }
    }
  }

  async get(key: string): Promise<AnswerLogps | undefined> {
    return this.#known.get(key);
  }

  async set(key: string, logps: AnswerLogps): Promise<void> {
    this.#known.set(key, logps);
    this.#unwritten.push({ ...this.#name(key), ...toTurns(logps) });
    if (this.#unwritten.length >= ROWS) await this.flush();
  }

  async flush(): Promise<void> {
    const rows = this.#unwritten;
    this.#unwritten = [];
    if (rows.length > 0) await this.#context.emit({ type: 'references', rows });
  }

  #name(text: string): ReferenceName {
    const { fingerprint, rope } = this.#model;
    const fields = Object.entries(rope).sort(([a], [b]) => (a < b ? -1 : 1));
    return { modelFingerprint: fingerprint, rope: JSON.stringify(Object.fromEntries(fields)), text };
  }
}

function toTurns({ chosen, rejected }: AnswerLogps): ReferenceTurns {
  return { chosen: chosen.map((turn) => [...turn]), rejected: rejected.map((turn) => [...turn]) };
}

// A float32 value written as a JSON number and read again is the same value.
function fromTurns({ chosen, rejected }: ReferenceTurns): AnswerLogps {
  return {
    chosen: chosen.map((turn) => Float32Array.from(turn)),
    rejected: rejected.map((turn) => Float32Array.from(turn)),
  };
}
