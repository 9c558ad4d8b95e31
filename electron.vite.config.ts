import { join } from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'electron-vite';

const source = join(import.meta.dirname, 'src');
const out = join(import.meta.dirname, 'out');

/** Production bundles: main (with the processes of the engine and of the importers), preload and renderer. The loopback host serves the same renderer. */
export default defineConfig({
  main: {
    build: {
      outDir: join(out, 'main'),
      rollupOptions: {
        // The other two are started as processes, from beside index.js.
        input: {
          index: join(source, 'main', 'index.ts'),
          process: join(source, 'main', 'engine', 'process.ts'),
          'reader-process': join(source, 'main', 'importers', 'reader-process.ts'),
        },
      },
    },
  },
  preload: {
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
    plugins: [react()],
    build: {
      outDir: join(out, 'renderer'),
      rollupOptions: { input: join(source, 'renderer', 'index.html') },
      // Scripts must be files: the content security policy allows no inline ones.
      modulePreload: { polyfill: false },
      minify: true,
    },
  },
});
