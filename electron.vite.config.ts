import { join } from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'electron-vite';
import { notePackages } from './scripts/bundled-packages.ts';

const root = import.meta.dirname;
const source = join(root, 'src');
const out = join(root, 'out');

/** Production bundles: main (with the processes of the engine, of the importers and for work on whole databases), preload and renderer. The loopback host serves the same renderer. */
export default defineConfig({
  main: {
    plugins: [notePackages(root, 'main')],
    build: {
      outDir: join(out, 'main'),
      rollupOptions: {
        // The others are started as processes, from beside the file that starts them.
        input: {
          index: join(source, 'main', 'index.ts'),
          process: join(source, 'main', 'engine', 'process.ts'),
          'reader-process': join(source, 'main', 'importers', 'reader-process.ts'),
          'work-process': join(source, 'main', 'services', 'work-process.ts'),
        },
        // What two of them share lies beside them, too: a file of it may be the one that starts a process.
        output: { chunkFileNames: '[name]-[hash].js' },
      },
    },
  },
  preload: {
    plugins: [notePackages(root, 'preload')],
    build: {
      outDir: join(out, 'preload'),
      // A sandboxed preload is CommonJS.
      rollupOptions: {
        input: { index: join(source, 'preload', 'index.ts') },
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {
    root: join(source, 'renderer'),
    plugins: [react(), notePackages(root, 'renderer')],
    build: {
      outDir: join(out, 'renderer'),
      rollupOptions: { input: join(source, 'renderer', 'index.html') },
      // Scripts must be files: the content security policy allows no inline ones.
      modulePreload: { polyfill: false },
      minify: true,
    },
  },
});
