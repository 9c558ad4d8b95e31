import type { ComponentType } from 'react';
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
  /** Second key of the shortcut `g <key>`. */
  readonly key: string;
  readonly component: ComponentType<{ readonly rest: readonly string[] }>;
  /** Pages that show a workspace's content. */
  readonly needsWorkspace: boolean;
}

/** The pages in the order of the work. */
export const pages: readonly PageEntry[] = [
  { id: 'home', label: 'Home', key: 'h', component: HomePage, needsWorkspace: false },
  { id: 'models', label: 'Models', key: 'm', component: ModelsPage, needsWorkspace: true },
  { id: 'documents', label: 'Documents', key: 'd', component: DocumentsPage, needsWorkspace: true },
  { id: 'generate', label: 'Generate', key: 'g', component: GeneratePage, needsWorkspace: true },
  { id: 'pairs', label: 'Pairs', key: 'p', component: PairsPage, needsWorkspace: true },
  { id: 'train', label: 'Train', key: 't', component: TrainPage, needsWorkspace: true },
  { id: 'runs', label: 'Runs', key: 'r', component: RunsPage, needsWorkspace: true },
  { id: 'evaluate', label: 'Evaluate', key: 'e', component: EvaluatePage, needsWorkspace: true },
  { id: 'system', label: 'System', key: 's', component: SystemPage, needsWorkspace: false },
];
