import type { Configuration } from 'electron-builder';
import { publisherFrom } from './scripts/publisher.ts';

/**
 * What goes into a package for a system. package.json and the packages under "dependencies" come by themselves; the
 * renderer's are in its bundle. A list that only leaves out would count as "all but that", so each system has the whole one.
 *
 * @param system as Node names it
 */
const filesFor = (system: 'linux' | 'win32' | 'darwin'): string[] => [
  ...['LICENSE', 'out/**', 'resources/**', '!resources/demo/scripts/**', '!resources/icons/**', '!**/*.map'],
  // What libraries are compiled from.
  ...['!**/node_modules/better-sqlite3/{deps,src}/**', '!**/node_modules/zod/src/**', '!**/*.{d.mts,d.cts}'],
  // Native libraries of other systems; `${arch}` is the target's.
  `!**/node_modules/onnxruntime-node/bin/napi-v6/!(${system})/**`,
  `!**/node_modules/onnxruntime-node/bin/napi-v6/${system}/!(\${arch})/**`,
  `!**/node_modules/better-sqlite3/prebuilds/!(${system}-\${arch}).node`,
  // ONNX Runtime loads them for DirectML and WebGPU alone, which Longhand does not use; their licences are Microsoft's own.
  '!**/node_modules/onnxruntime-node/bin/**/{DirectML,dxcompiler,dxil}.dll',
];

const { homepage, maintainer } = publisherFrom(process.env);

/** Packages Longhand for Linux, Windows and macOS: `npm run package` after `npm run build`, where Electron's runtime can be had. */
const configuration: Configuration = {
  appId: 'org.longhand.Longhand',
  productName: 'Longhand',
  copyright: 'Apache-2.0',
  ...(homepage === undefined ? {} : { extraMetadata: { homepage } }),
  directories: { output: 'dist', buildResources: 'resources/icons' },
  asar: true,
  // Native libraries are loaded by the system, which cannot look into an archive.
  asarUnpack: [
    '**/node_modules/onnxruntime-node/bin/**',
    '**/node_modules/better-sqlite3/**/*.node',
    'resources/demo/**',
  ],
  // better-sqlite3 and onnxruntime-node bring prebuilt Node-API libraries.
  npmRebuild: false,
  electronFuses: {
    // The engine, the file reader and the work on whole databases are child processes that run Node.
    runAsNode: true,
    enableNodeOptionsEnvironmentVariable: false,
    enableNodeCliInspectArguments: false,
    onlyLoadAppFromAsar: true,
    enableCookieEncryption: true,
    enableEmbeddedAsarIntegrityValidation: true,
    grantFileProtocolExtraPrivileges: false,
    loadBrowserProcessSpecificV8Snapshot: false,
  },
  linux: {
    target: ['AppImage', 'deb'],
    files: filesFor('linux'),
    ...(maintainer === undefined ? {} : { maintainer }),
    icon: 'resources/icons',
    category: 'Science',
    synopsis: 'Short-to-Long Preference Optimization',
  },
  deb: { depends: ['libgtk-3-0', 'libnss3', 'libxss1', 'libasound2 | libasound2t64'] },
  win: { target: ['nsis'], files: filesFor('win32') },
  nsis: { oneClick: false, allowToChangeInstallationDirectory: true, perMachine: false },
  mac: {
    target: ['dmg'],
    files: filesFor('darwin'),
    category: 'public.app-category.developer-tools',
    hardenedRuntime: true,
  },
  publish: null,
};

export default configuration;
