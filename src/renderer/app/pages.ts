import type { ComponentType } from 'react';
import type { CommandId } from '../commands/command-table.ts';
import { AgreementPage } from '../pages/agreement/page.tsx';
import { ComparePage } from '../pages/compare/page.tsx';
import { DocumentsPage } from '../pages/documents/page.tsx';
import { EvaluatePage } from '../pages/evaluate/page.tsx';
import { GeneratePage } from '../pages/generate/page.tsx';
import { HomePage } from '../pages/home/page.tsx';
import { ModelsPage } from '../pages/models/page.tsx';
import { PairsPage } from '../pages/pairs/page.tsx';
import { RunsPage } from '../pages/runs/page.tsx';
import { SystemPage } from '../pages/system/page.tsx';
import { TrainPage } from '../pages/train/page.tsx';

export interface PageEntry {
  readonly id: string;
  readonly label: string;
  /** The command that goes there. */
  readonly command: CommandId;
  readonly component: ComponentType<{ readonly rest: readonly string[] }>;
  /** Pages that show a workspace's content. */
  readonly needsWorkspace: boolean;
}

/** The pages in the order of the work. */
export const pages: readonly PageEntry[] = [
  { id: 'home', label: 'Home', command: 'go.home', component: HomePage, needsWorkspace: false },
  { id: 'models', label: 'Models', command: 'go.models', component: ModelsPage, needsWorkspace: true },
  { id: 'documents', label: 'Documents', command: 'go.documents', component: DocumentsPage, needsWorkspace: true },
  { id: 'generate', label: 'Generate', command: 'go.generate', component: GeneratePage, needsWorkspace: true },
  { id: 'pairs', label: 'Pairs', command: 'go.pairs', component: PairsPage, needsWorkspace: true },
  { id: 'agreement', label: 'Agreement', command: 'go.agreement', component: AgreementPage, needsWorkspace: true },
  { id: 'train', label: 'Train', command: 'go.train', component: TrainPage, needsWorkspace: true },
  { id: 'runs', label: 'Runs', command: 'go.runs', component: RunsPage, needsWorkspace: true },
  { id: 'compare', label: 'Compare', command: 'go.compare', component: ComparePage, needsWorkspace: true },
  { id: 'evaluate', label: 'Evaluate', command: 'go.evaluate', component: EvaluatePage, needsWorkspace: true },
  { id: 'system', label: 'System', command: 'go.system', component: SystemPage, needsWorkspace: false },
];
