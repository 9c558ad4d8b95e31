/**
 * Which part of `src/` may import which: the one table that the lint rule `longhand/layers` and its test read.
 *
 * A layer is a folder or a single file: `src/main/engine/onnx` covers everything below that folder, and
 * `src/main/engine/process` covers `process.ts`. The longest path that fits a file is its layer. A layer may always
 * import itself, and otherwise only what stands under `imports`. A file of `src/` without a layer is an error.
 */
export interface Layer {
  /** Paths of the layers that this one may import. */
  readonly imports: readonly string[];
  /** The only npm packages it may import; left out: any that `packageHomes` does not keep elsewhere. */
  readonly packages?: readonly string[];
  /** Whether Node's built-in modules may be imported. */
  readonly node: boolean;
}

const engine = 'src/main/engine';

/** What every part of the engine may use besides its neighbours. */
const engineBase = ['src/shared', 'src/main/files', `${engine}/random`];

export const layers: Readonly<Record<string, Layer>> = {
  'src/shared': { imports: [], packages: ['zod'], node: false },
  'src/preload': { imports: ['src/shared'], packages: ['electron'], node: false },
  'src/renderer': { imports: ['src/shared'], node: false },

  // A leaf: atomic writes and the like.
  'src/main/files': { imports: ['src/shared'], node: true },
  'src/main/importers': { imports: ['src/shared', 'src/main/files'], node: true },
  'src/main/workspace': { imports: ['src/shared', 'src/main/files'], node: true },
  'src/main/services': {
    imports: ['src/shared', 'src/main/files', 'src/main/workspace', 'src/main/importers', `${engine}/protocol`],
    node: true,
  },
  'src/main/shell': { imports: ['src/shared', 'src/main/files', 'src/main/services'], node: true },

  // Entries: the command line and Electron.
  'src/main/cli': { imports: ['src/shared', 'src/main/files', 'src/main/services', 'src/main/shell'], node: true },
  'src/main/index': { imports: ['src/shared', 'src/main/files', 'src/main/services', 'src/main/shell'], node: true },

  // Seeded streams of random numbers: training, synthesis and evaluation draw from the same kind.
  [`${engine}/random`]: { imports: [], node: true },
  [`${engine}/onnx`]: { imports: engineBase, node: true },
  [`${engine}/text`]: { imports: engineBase, node: true },
  [`${engine}/model`]: { imports: [...engineBase, `${engine}/onnx`], node: true },
  [`${engine}/training`]: {
    imports: [...engineBase, `${engine}/model`, `${engine}/onnx`, `${engine}/text`],
    node: true,
  },
  [`${engine}/generation`]: {
    imports: [...engineBase, `${engine}/model`, `${engine}/onnx`, `${engine}/text`],
    node: true,
  },
  [`${engine}/synthesis`]: {
    imports: [...engineBase, `${engine}/generation`, `${engine}/text`, `${engine}/model`],
    node: true,
  },
  [`${engine}/evaluation`]: {
    imports: [...engineBase, `${engine}/generation`, `${engine}/text`, `${engine}/model`],
    node: true,
  },
  // Assembles the one ONNX session from the programs.
  [`${engine}/resident`]: {
    imports: [...engineBase, `${engine}/onnx`, `${engine}/model`, `${engine}/training`, `${engine}/generation`],
    node: true,
  },
  // Compares the engine with golden values; only a job runs it.
  [`${engine}/golden`]: {
    imports: [
      ...engineBase,
      ...['onnx', 'text', 'model', 'training', 'generation', 'resident'].map((name) => `${engine}/${name}`),
    ],
    node: true,
  },
  // The messages between the engine process and the rest of main.
  [`${engine}/protocol`]: { imports: ['src/shared'], node: true },
  [`${engine}/jobs`]: {
    imports: [
      ...engineBase,
      ...[
        'onnx',
        'text',
        'model',
        'training',
        'generation',
        'synthesis',
        'evaluation',
        'resident',
        'golden',
        'protocol',
      ].map((name) => `${engine}/${name}`),
    ],
    node: true,
  },
  [`${engine}/process`]: {
    imports: [
      ...engineBase,
      ...[
        'onnx',
        'text',
        'model',
        'training',
        'generation',
        'synthesis',
        'evaluation',
        'resident',
        'golden',
        'protocol',
      ].map((name) => `${engine}/${name}`),
      `${engine}/jobs`,
    ],
    node: true,
  },
};

/** Packages that have one home: nobody else may import them. */
export const packageHomes: Readonly<Record<string, readonly string[]>> = {
  electron: ['src/main/shell', 'src/main/index', 'src/preload'],
  'better-sqlite3': ['src/main/workspace'],
};

/**
 * The layer of a file, or undefined where the table has none.
 *
 * @param path relative to the repository, with forward slashes
 */
export function layerOf(path: string): string | undefined {
  const fits = Object.keys(layers).filter((layer) => path.startsWith(`${layer}/`) || path.startsWith(`${layer}.`));
  return fits.sort((a, b) => b.length - a.length)[0];
}
