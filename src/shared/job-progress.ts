/** How far a job is. */
export interface JobProgress {
  /** What is being done, such as `load`, `questions`, `reference`, `train` or `evaluate`. */
  readonly phase: string;
  readonly done: number;
  readonly total: number;
  /** What is counted: documents, examples, items, ... */
  readonly unit: string;
  /** Where the unit now at work has parts (a training step in segments): how many are done. */
  readonly part?: { readonly done: number; readonly total: number };
  /** Seconds that the phase still needs; null where nothing is known yet. */
  readonly etaSeconds: number | null;
}
