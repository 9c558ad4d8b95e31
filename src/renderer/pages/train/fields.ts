import type { RunConfigInput } from '../../../shared/run-config.ts';

/** A hyperparameter of the form: its name in the configuration, what it means, and how it is entered. */
export interface Field {
  readonly name: keyof RunConfigInput;
  readonly label: string;
  readonly meaning: string;
  readonly step?: number;
}

export const numberFields: readonly Field[] = [
  {
    name: 'learningRate',
    label: 'Learning rate',
    meaning: 'AdamW; an adapter needs a higher one than all weights (1e-4 and up)',
  },
  { name: 'beta', label: 'beta', meaning: 'strength of the constraint towards the reference' },
  { name: 'lambda', label: 'lambda', meaning: 'weight of the preference term' },
  { name: 'nllDocument', label: 'NLL, whole sequence', meaning: 'weight of the mean NLL over document and answers' },
  { name: 'nllAnswers', label: 'NLL, answers', meaning: 'weight of the mean NLL over the chosen answers' },
  { name: 'epochs', label: 'Epochs', meaning: 'passes over the data' },
  { name: 'batchSize', label: 'Batch', meaning: 'examples an optimizer step' },
  { name: 'turnsPerSample', label: 'Turns an example', meaning: 'questions that one document carries at most' },
  { name: 'warmupRatio', label: 'Warm-up', meaning: 'share of all steps' },
  { name: 'maxLength', label: 'Longest example', meaning: 'tokens; a longer one is refused, never cut' },
  { name: 'heldOutFraction', label: 'Held out', meaning: 'share of the documents kept out of training' },
  { name: 'seed', label: 'Seed', meaning: 'order of data and turns, start of the adapter' },
];
