// A process that opens the bundle argv[2] in the folder argv[3] (mode `open`), or imports the verdicts argv[2] into the
// workspace argv[3] (mode `import`), until it is killed. It writes a line when it begins and one when it has ended.
import { writeSync } from 'node:fs';
import { importVerdicts } from '../../../src/main/services/import-verdicts.ts';
import { openBundle } from '../../../src/main/services/review-bundle.ts';
import { openWorkspace } from '../../../src/main/workspace/workspace.ts';

const [, , path = '', folder = '', mode = ''] = process.argv;
writeSync(1, 'begin\n');
if (mode === 'open') await openBundle({ path, folder });
else await importVerdicts({ workspace: openWorkspace(folder) }, { path });
writeSync(1, 'end\n');
