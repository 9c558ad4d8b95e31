import { Command } from 'commander';
import { UserError } from '../../../shared/errors.ts';
import {
  checkAll,
  compactWorkspace,
  exportAll,
  restoreWorkspace,
  workspaceBackups,
} from '../../services/workspace-care.ts';

import { bytes, counted } from '../format.ts';
import { invoke, withJson, withWorkspace } from '../invocation.ts';
import type { SharedFlags } from '../invocation.ts';
import { textTable } from '../text-table.ts';

/** `longhand workspace check | backup | backups | restore | compact | export-all`. */
export function workspaceCommand(): Command {
  return new Command('workspace')
    .description('care of a workspace: check it, copy it, make it smaller, write all of it in open formats')
    .addCommand(checkCommand())
    .addCommand(backupCommand())
    .addCommand(backupsCommand())
    .addCommand(restoreCommand())
    .addCommand(compactCommand())
    .addCommand(exportAllCommand());
}

const command = (name: string): Command => withJson(withWorkspace(new Command(name)));

function checkCommand(): Command {
  return command('check')
    .description('look through everything: the database, references between rows, texts, checkpoints')
    .addHelpText(
      'after',
      '\nExamples:\n  longhand workspace check\n  longhand workspace check --workspace my-experiment --json',
    )
    .action((flags: SharedFlags) =>
      invoke(flags, async ({ signal, print, json, open }) => {
        const report = await checkAll(open({}), { signal });
        const { pages, texts, checkpoints } = report.checked;
        const looked = `${counted(pages, 'page')}, ${counted(texts, 'text')} and ${counted(checkpoints, 'checkpoint')} looked at`;
        print(report.ok ? `${looked}: all is well` : `${looked}:\n${report.problems.join('\n')}`);
        await json(report);
        if (!report.ok) {
          throw new UserError('invalid_input', `The workspace has ${counted(report.problems.length, 'problem')}.`, {
            hint: 'longhand workspace backups lists the copies, longhand workspace restore puts one back.',
          });
        }
      }),
    );
}

function backupCommand(): Command {
  return command('backup')
    .description('copy the database now, also while the workspace is open elsewhere; such copies are never thinned out')
    .addHelpText('after', '\nExamples:\n  longhand workspace backup --workspace my-experiment')
    .action((flags: SharedFlags) =>
      invoke(flags, async ({ signal, print, json, open }) => {
        const backup = await open({ readOnly: true }).workspace.backUp('manual', signal);
        print(`${backup.path} (${bytes(backup.bytes)})`);
        await json(backup);
      }),
    );
}

function backupsCommand(): Command {
  return command('backups')
    .description('the copies of the database: made once a day at opening, before changes of the format, or asked for')
    .addHelpText('after', '\nExamples:\n  longhand workspace backups')
    .action((flags: SharedFlags) =>
      invoke(flags, async ({ print, json, workspaceFolder }) => {
        // Without opening it: it may be damaged.
        const backups = workspaceBackups(workspaceFolder());
        print(
          backups.length === 0
            ? 'There are no copies yet.'
            : textTable(
                [{ header: 'name' }, { header: 'made' }, { header: 'why' }, { header: 'size', align: 'right' }],
                backups.map(({ name, at, kind, bytes: size }) => [name, new Date(at).toISOString(), kind, bytes(size)]),
              ),
        );
        await json(backups);
      }),
    );
}

function restoreCommand(): Command {
  return command('restore')
    .description('put a copy in the place of the database; what was there is kept beside it under another name')
    .argument('[backup]', 'name of the copy (default: the newest)')
    .addHelpText(
      'after',
      '\nExamples:\n  longhand workspace restore\n  longhand workspace restore workspace-auto-20261124T120000Z.db',
    )
    .action((backup: string | undefined, flags: SharedFlags) =>
      invoke(flags, async ({ print, json, workspaceFolder }) => {
        const report = restoreWorkspace(workspaceFolder(), backup);
        print(
          `Restored from ${report.restored}${report.kept === null ? '' : `; the former database is ${report.kept}`}`,
        );
        await json(report);
      }),
    );
}

function compactCommand(): Command {
  return command('compact')
    .description('write the database anew without its gaps; it needs as much room again while it works')
    .addHelpText('after', '\nExamples:\n  longhand workspace compact')
    .action((flags: SharedFlags) =>
      invoke(flags, async ({ print, json, open }) => {
        // Opened first: an older format is brought up to date, a damaged database is refused.
        const context = open({});
        const { folder } = context.workspace;
        await context.close();
        const report = compactWorkspace(folder);
        print(`${bytes(report.bytesBefore)} before, ${bytes(report.bytesAfter)} now`);
        await json(report);
      }),
    );
}

function exportAllCommand(): Command {
  return command('export-all')
    .description('write everything in open formats: JSON Lines, CSV, PEFT folders')
    .argument('<folder>', 'an empty or new folder')
    .addHelpText('after', '\nExamples:\n  longhand workspace export-all everything')
    .action((folder: string, flags: SharedFlags) =>
      invoke(flags, async ({ signal, onProgress, print, json, open }) => {
        const report = await exportAll(open({}), { folder }, { signal, onProgress });
        const left = report.leftOut.map(({ what, why }) => `left out: ${what}: ${why}`);
        print([`${counted(report.files.length, 'file')} written to ${report.folder}`, ...left].join('\n'));
        await json(report);
      }),
    );
}
