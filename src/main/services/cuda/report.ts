import { createRequire } from 'node:module';
import type { CudaCard, CudaLibrary, CudaProblem, CudaReport } from '../../../shared/cuda-report.ts';
import { cudaFolder } from './folder.ts';
import { DRIVER_LIBRARY, installedVersions, libraryStates, systemLibraries } from './libraries.ts';
import { compareVersions, readNvidia } from './nvidia.ts';
import type { NvidiaState } from './nvidia.ts';
import { LEAST_CAPABILITY, OLDEST_DRIVER, PROVIDER_WHEEL } from './wheels.ts';

/** Where the report looks; tests name folders of their own. */
export interface CudaSurroundings {
  readonly env?: NodeJS.ProcessEnv;
  readonly platform?: string;
  readonly proc?: string;
  /** Processes that do not count as strangers on the card (our own engine). */
  readonly ownPids?: readonly number[];
}

const INSTALL = 'Run npm run setup:cuda.';
/** Below this much free memory not even a small model runs: CUDA itself takes about half of it. */
const LEAST_FREE = 2 ** 30;

export function onnxruntimeVersion(): string {
  const require = createRequire(import.meta.url);
  return (require('onnxruntime-node/package.json') as { version: string }).version;
}

/** Whether CUDA can be used here, and what is missing: driver, cards, provider, libraries. Never throws for what it finds. */
export async function cudaReport(surroundings: CudaSurroundings = {}): Promise<CudaReport> {
  const { env = process.env, platform = `${process.platform} ${process.arch}` } = surroundings;
  const folder = cudaFolder(env);
  const wanted = onnxruntimeVersion();
  if (platform !== 'linux x64') {
    return {
      ...{ usable: false, driver: null, cards: [], chosen: null, folder, libraries: [] },
      provider: { wanted, installed: null },
      problems: [platformProblem(platform, wanted)],
    };
  }
  const [nvidia, system] = await Promise.all([readNvidia(env, surroundings.proc), systemLibraries(env)]);
  const libraries = libraryStates(folder, system);
  const installed = installedVersions(folder)[PROVIDER_WHEEL] ?? null;
  const choice = chooseCard(nvidia.cards, env);
  const problems = [
    ...driverProblems(nvidia),
    ...choice.problems,
    ...(choice.card === undefined ? [] : cardProblems(choice.card, surroundings.ownPids ?? [])),
    ...libraryProblems(libraries, { wanted, installed }, nvidia.driver !== null),
  ];
  return {
    usable: problems.length === 0,
    driver: nvidia.driver,
    cards: nvidia.cards,
    chosen: choice.card?.uuid ?? null,
    folder,
    provider: { wanted, installed },
    libraries,
    problems,
  };
}

function platformProblem(platform: string, version: string): CudaProblem {
  const [system = ''] = platform.split(' ');
  const windows = system === 'win32';
  return {
    kind: 'platform',
    message: windows
      ? `onnxruntime-node ${version} has no CUDA provider for Windows.`
      : `CUDA runs need Linux on x86-64; this is ${platform}.`,
    hint: windows
      ? 'Run Longhand in WSL 2, where npm run setup:cuda works, or choose the CPU.'
      : 'Use a Linux machine with an NVIDIA card, or choose the CPU.',
  };
}

function driverProblems({ driver, cards, failure }: NvidiaState): CudaProblem[] {
  if (driver === null && failure === null) {
    return [
      {
        kind: 'no_driver',
        message: 'There is no NVIDIA driver on this machine (neither nvidia-smi nor /proc/driver/nvidia).',
        hint: `Install NVIDIA's driver ${OLDEST_DRIVER} or newer, or choose the CPU.`,
      },
    ];
  }
  if (cards.length === 0) {
    const said = failure === null ? '' : `: ${failure}`;
    return driver === null && !/no devices/i.test(failure ?? '')
      ? [
          {
            kind: 'driver_failed',
            message: `The NVIDIA driver does not work${said}.`,
            hint: 'Restart the machine; if that does not help, install the driver again.',
          },
        ]
      : [
          {
            kind: 'no_card',
            message: `The NVIDIA driver finds no card${said}.`,
            hint: 'Check that the card is seated and, in a container, that it is passed through (--gpus all).',
          },
        ];
  }
  if (driver !== null && compareVersions(driver.version, OLDEST_DRIVER) < 0) {
    return [
      {
        kind: 'old_driver',
        message: `The NVIDIA driver ${driver.version} is too old for CUDA 13; ${OLDEST_DRIVER} or newer is needed.`,
        hint: 'Install a newer driver; nothing else of CUDA has to be on the machine.',
      },
    ];
  }
  return [];
}

/** The card that `LONGHAND_CUDA_DEVICE` (number or UUID) or a single `CUDA_VISIBLE_DEVICES` names, else the only one. */
function chooseCard(
  cards: readonly CudaCard[],
  env: NodeJS.ProcessEnv,
): { readonly card?: CudaCard; readonly problems: readonly CudaProblem[] } {
  const names = ['LONGHAND_CUDA_DEVICE', 'CUDA_VISIBLE_DEVICES'] as const;
  const variable = names.find((name) => (env[name] ?? '') !== '');
  const named = variable === undefined ? undefined : env[variable];
  if (cards.length === 0) return { problems: [] };
  const all = cards.map(({ index, name }) => `${index} (${name})`).join(', ');
  if (named === undefined || (variable === 'CUDA_VISIBLE_DEVICES' && named.includes(','))) {
    const [only] = cards;
    if (cards.length === 1 && only !== undefined) return { card: only, problems: [] };
    return {
      problems: [
        {
          kind: 'choose_card',
          message: `There are ${cards.length} NVIDIA cards and none was chosen: ${all}.`,
          hint: 'Set LONGHAND_CUDA_DEVICE to the number or the UUID of one of them.',
        },
      ],
    };
  }
  const card = cards.find(({ index, uuid }) => named === String(index) || (named.length > 4 && uuid.startsWith(named)));
  if (card !== undefined) return { card, problems: [] };
  return {
    problems: [
      {
        kind: 'unknown_card',
        message: `${variable ?? ''} is "${named}", which names none of the NVIDIA cards: ${all}.`,
        hint: 'Give the number or the UUID of a card.',
      },
    ],
  };
}

function cardProblems(card: CudaCard, ownPids: readonly number[]): CudaProblem[] {
  const { index, name, computeCapability, memoryTotal, memoryUsed } = card;
  const problems: CudaProblem[] = [];
  if (computeCapability !== null && Number.parseFloat(computeCapability) < LEAST_CAPABILITY) {
    problems.push({
      kind: 'no_bfloat16',
      message: `Card ${index} (${name}) cannot compute in bfloat16: its compute capability is ${computeCapability}, ${LEAST_CAPABILITY}.0 or more is needed.`,
      hint: 'Use a card of the generation Ampere or newer, or choose the CPU.',
    });
  }
  const own = card.processes.filter(({ pid }) => ownPids.includes(pid));
  const used = (memoryUsed ?? 0) - own.reduce((sum, { memory }) => sum + (memory ?? 0), 0);
  if (memoryTotal !== null && memoryTotal - used < LEAST_FREE) {
    problems.push({
      kind: 'memory_taken',
      message: `The memory of card ${index} (${name}) is taken: ${gibibytes(memoryTotal - used)} of ${gibibytes(memoryTotal)} GiB are free${holders(card, ownPids)}.`,
      hint: 'End the programs that hold it, or choose another card with LONGHAND_CUDA_DEVICE.',
    });
  }
  return problems;
}

/** `; python (process 12) holds 70.0 GiB, ...`, empty where the driver names nobody. */
export function holders(card: CudaCard, ownPids: readonly number[] = []): string {
  const others = card.processes.filter(({ pid }) => !ownPids.includes(pid));
  const told = others.map(({ pid, name, memory }) => {
    const program = name === '' ? 'a program' : name;
    return `${program} (process ${pid}) holds ${memory === null ? 'some' : `${gibibytes(memory)} GiB`}`;
  });
  return told.length === 0 ? '' : `; ${told.join(', ')}`;
}

function gibibytes(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(1);
}

function libraryProblems(
  libraries: readonly CudaLibrary[],
  provider: CudaReport['provider'],
  hasDriver: boolean,
): CudaProblem[] {
  const { wanted, installed } = provider;
  if (installed !== null && installed !== wanted) {
    return [
      {
        kind: 'provider',
        message: `The installed CUDA provider is of ONNX Runtime ${installed}, but this Longhand uses ${wanted}.`,
        hint: INSTALL,
      },
    ];
  }
  const bad = libraries.filter(({ status, file }) => status !== 'found' && file !== DRIVER_LIBRARY);
  if (installed === null && bad.some(({ from }) => from.startsWith(PROVIDER_WHEEL))) {
    return [
      {
        kind: 'provider',
        message: `The CUDA provider of ONNX Runtime ${wanted} is not installed.`,
        hint: INSTALL,
      },
    ];
  }
  const driver = libraries.find(({ file, status }) => file === DRIVER_LIBRARY && status !== 'found');
  return [
    ...bad.map((library): CudaProblem => ({ kind: 'library', message: libraryMessage(library), hint: INSTALL })),
    ...(driver === undefined || !hasDriver
      ? []
      : [
          {
            kind: 'library' as const,
            message: `The library ${DRIVER_LIBRARY} is missing, though there is an NVIDIA driver.`,
            hint: "Install the driver's user part (libcuda), or in a container pass it through (NVIDIA_DRIVER_CAPABILITIES=compute,utility).",
          },
        ]),
  ];
}

function libraryMessage({ file, from, status, path }: CudaLibrary): string {
  if (status === 'damaged') return `The library ${file} (${path ?? ''}) is not the one of ${from}: its size differs.`;
  if (status === 'other_version') {
    return `The library ${file} (${from}) is missing; only another version was found: ${path ?? ''}.`;
  }
  return `The library ${file} (${from}) is missing.`;
}
