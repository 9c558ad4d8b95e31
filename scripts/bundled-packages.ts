// Which packages went into the bundles. Part of electron.vite.config.ts, which is bundled itself and so lies elsewhere when it
// runs: the root is a parameter.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import type { Plugin } from 'vite';
import { z } from 'zod';

const bundles = ['main', 'preload', 'renderer'] as const;
const listOf = (root: string, bundle: string): string => join(root, '.cache', 'bundled', `${bundle}.json`);

/** The folder of the package that a module lies in, from the root; undefined for our own modules and virtual ones. */
export function packageFolderOf(root: string, moduleId: string): string | undefined {
  const path = relative(root, moduleId.replace(/^\0/, '').replace(/\?.*$/, '')).split(sep).join('/');
  return /^node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0];
}

/** Notes every package that a bundle has a module, a style or an asset of; what tree shaking left out counts, too. */
export function notePackages(root: string, bundle: (typeof bundles)[number]): Plugin {
  return {
    name: 'longhand-note-packages',
    generateBundle(_options, output) {
      const assets = Object.values(output).flatMap((made) =>
        made.type === 'asset' ? made.originalFileNames.map((name) => join(root, 'src', 'renderer', name)) : [],
      );
      const folders = [...this.getModuleIds(), ...assets].flatMap((id) => packageFolderOf(root, id) ?? []);
      const file = listOf(root, bundle);
      mkdirSync(join(file, '..'), { recursive: true });
      writeFileSync(file, JSON.stringify([...new Set(folders)].sort()));
    },
  };
}

/** Folders of the packages in the bundles that were built last, from the root. */
export function bundledFolders(root: string): string[] {
  const lists = bundles.map((bundle) => readFileSync(listOf(root, bundle), 'utf8'));
  return [...new Set(lists.flatMap((list) => z.array(z.string()).parse(JSON.parse(list))))].sort();
}
