import type { ModelReport } from '../../../shared/model-report.ts';

/** The report that `noteModel` stored; it was written by Longhand itself. */
export function modelReportOf(info: unknown): ModelReport {
  return info as ModelReport;
}
