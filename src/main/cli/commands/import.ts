import { existsSync } from 'node:fs';
import { Command, Option } from 'commander';
import { UserError } from '../../../shared/errors.ts';
import { importKindsText, treeModes } from '../../../shared/import-kinds.ts';
import type { TreeMode } from '../../../shared/import-kinds.ts';
import { importDocuments } from '../../services/documents.ts';
import { counted, whole } from '../format.ts';
import { invoke, wholeNumber, withJson, withWorkspace } from '../invocation.ts';
import type { SharedFlags } from '../invocation.ts';
import { textTable } from '../text-table.ts';

type ImportOptions = NonNullable<Parameters<typeof importDocuments>[2]>;
type Encoding = NonNullable<ImportOptions['encoding']>;
const encodings = ['auto', 'latin-1', 'windows-1252'] as const satisfies readonly Encoding[];

interface ImportFlags extends SharedFlags {
  readonly encoding: Encoding;
  readonly textField?: string;
  readonly maxBytes?: number;
  readonly tree: TreeMode;
}

/** `longhand import PATHS...`. */
export function importCommand(): Command {
  return withJson(withWorkspace(new Command('import')))
    .description(
      `import documents: files, or folders with all they hold. What cannot be used is left out and listed; after a stop or a broken line of JSON Lines nothing is kept. ${importKindsText()}.`,
    )
    .argument('<paths...>', 'files and folders')
    .addOption(
      new Option('--encoding <name>', 'auto: UTF-8, or UTF-16 with a byte order mark')
        .choices(encodings)
        .default('auto'),
    )
    .option('--text-field <name>', 'field (JSON Lines) or column (Parquet) that holds the text (default: text)')
    .addOption(
      new Option(
        '--tree <mode>',
        'code and plain text files of a folder: each a document (files), or joined in the order of their paths (joined)',
      )
        .choices(treeModes)
        .default('files'),
    )
    .option('--max-bytes <n>', 'longest document, in bytes of UTF-8 (default: 33554432)', wholeNumber(1))
    .addHelpText(
      'after',
      `
A document whose text is in the workspace already is counted as a duplicate. Files that cannot be used are left out and
listed; broken JSON Lines stop the import and leave the workspace as it was.

Examples:
  longhand import report.txt notes/ --workspace my-experiment
  longhand import my-project/ --tree joined
  longhand import corpus.jsonl --text-field body --json import-report.json`,
    )
    .action((paths: string[], flags: ImportFlags) =>
      invoke(flags, async ({ signal, onProgress, print, json, open }) => {
        // Before a workspace is made for them.
        const missing = paths.find((path) => !existsSync(path));
        if (missing !== undefined) {
          const what = missing === '' ? 'The empty path' : missing;
          throw new UserError('not_found', `${what} does not exist.`, {
            hint: 'Check the path.',
            place: { file: missing },
          });
        }
        let files = 0;
        const report = await importDocuments(open({ create: true }), paths, {
          encoding: flags.encoding,
          tree: flags.tree,
          ...(flags.textField === undefined ? {} : { textField: flags.textField }),
          ...(flags.maxBytes === undefined ? {} : { maxBytes: flags.maxBytes }),
          signal,
          onFile: (_, total) => {
            files += 1;
            onProgress({ phase: 'import', done: files, total, unit: 'files', etaSeconds: null });
          },
        });
        const problems = report.files.flatMap((file) => file.problems);
        const summary = `${counted(report.imported, 'document')} imported, ${counted(report.duplicates, 'duplicate')}, ${counted(report.problems, 'problem')}`;
        const table = textTable(
          [{ header: 'left out' }, { header: 'line', align: 'right' }, { header: 'why' }],
          problems.map(({ path, line, reason }) => [path, line === null ? '' : whole(line), reason]),
        );
        print(problems.length === 0 ? summary : `${summary}\n\n${table}`);
        await json(report);
      }),
    );
}
