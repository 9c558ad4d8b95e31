import { isBuiltin } from 'node:module';
import { dirname, posix, relative, resolve, sep } from 'node:path';
import type { Rule } from 'eslint';
import type { Node } from 'estree';
import { layerOf, layers, packageHomes } from './layers.ts';

/** Why a file of `layer` must not import `specifier`, or undefined where it may. */
function objection(file: string, layer: string, specifier: string): string | undefined {
  const rules = layers[layer];
  if (rules === undefined) return undefined;
  if (specifier.startsWith('.')) {
    const target = posix.normalize(posix.join(posix.dirname(file), specifier));
    const targetLayer = layerOf(target);
    if (targetLayer === undefined) return `${target} belongs to no layer of lint/layers.ts`;
    if (targetLayer === layer || rules.imports.includes(targetLayer)) return undefined;
    return `${layer} must not import ${targetLayer} (lint/layers.ts)`;
  }
  if (specifier.startsWith('/') || /^(file|data|https?):/.test(specifier)) {
    return 'import other files by a relative path';
  }
  if (isBuiltin(specifier)) return rules.node ? undefined : `${layer} must not import Node's built-in modules`;
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  const allowed = rules.packages?.includes(name) ?? packageHomes[name]?.includes(layer) ?? true;
  return allowed ? undefined : `${layer} must not import the package ${name} (lint/layers.ts)`;
}

/** Holds every import of `src/`, of values and of types, static and dynamic, to the table in `layers.ts`. */
export const layersRule: Rule.RuleModule = {
  meta: { type: 'problem', docs: { description: 'imports follow the table of layers' }, schema: [] },
  create(context) {
    const file = relative(resolve(context.cwd), context.filename).split(sep).join('/');
    if (!file.startsWith('src/')) return {};
    const layer = layerOf(file);
    if (layer === undefined) {
      return {
        Program(node) {
          context.report({ node, message: `${dirname(file)} has no layer: add it to lint/layers.ts.` });
        },
      };
    }
    const check = (source: Node | null | undefined): void => {
      if (source?.type !== 'Literal' || typeof source.value !== 'string') return;
      const reason = objection(file, layer, source.value);
      if (reason !== undefined) context.report({ node: source, message: `Forbidden import: ${reason}.` });
    };
    return {
      ImportDeclaration: (node) => check(node.source),
      ImportExpression: (node) => check(node.source),
      ExportNamedDeclaration: (node) => check(node.source),
      ExportAllDeclaration: (node) => check(node.source),
      TSImportType: (node: Rule.Node & { source?: Node }) => check(node.source),
    };
  },
};
