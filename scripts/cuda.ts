// `npm run setup:cuda`: the CUDA provider and libraries, see src/main/services/cuda/install.ts.
import { parseArgs } from 'node:util';
import { UserError } from '../src/shared/errors.ts';
import { cudaFolder } from '../src/main/services/cuda/folder.ts';
import { installCuda } from '../src/main/services/cuda/install.ts';
import { cudaReport } from '../src/main/services/cuda/report.ts';
import { WHEELS } from '../src/main/services/cuda/wheels.ts';

const USAGE = `npm run setup:cuda [-- --all]

Brings ONNX Runtime's CUDA provider and NVIDIA's CUDA 13 libraries from Python wheels (about ${Math.round(WHEELS.reduce((sum, { bytes }) => sum + bytes, 0) / 1e8) / 10} GB to
download) into ${cudaFolder()}. NVIDIA's libraries come under NVIDIA's own licence. Only the
NVIDIA driver has to be on the machine. Libraries of an installed CUDA 13 toolkit are used instead of downloaded ones.
  --all    download all of them anyway`;

/** Returns the exit code: 0 also where the libraries are there and the machine has no card. */
export async function setUpCuda(...args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { all: { type: 'boolean' }, help: { type: 'boolean' } } });
  if (values.help === true) {
    console.log(USAGE);
    return 0;
  }
  const say = (line: string): void => {
    console.log(line);
  };
  try {
    const before = await cudaReport();
    const [problem] = before.problems;
    if (problem?.kind === 'platform') {
      throw new UserError('unsupported', problem.message, { hint: problem.hint });
    }
    const folder = cudaFolder();
    say(`CUDA libraries in ${folder}`);
    await installCuda({ folder, say, ...(values.all === true ? { all: true } : {}) });
    const { problems } = await cudaReport();
    if (problems.length === 0) say('CUDA can be used. Try it: npx longhand doctor --device cuda');
    for (const { message, hint } of problems) say(`The libraries are there, but: ${message} ${hint}`);
    return 0;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.error(`error: ${error.message}`);
    if (error.hint !== undefined) console.error(`  what to do: ${error.hint}`);
    return 1;
  }
}
