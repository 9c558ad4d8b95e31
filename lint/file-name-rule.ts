import { relative, resolve, sep } from 'node:path';
import type { Rule } from 'eslint';

const nameless = /^(utils?|helpers?|misc|common)$/i;

/** A file or folder is named after its subject; names such as "utils" gather what has none. */
export const fileNameRule: Rule.RuleModule = {
  meta: { type: 'problem', docs: { description: 'files and folders are named after a subject' }, schema: [] },
  create(context) {
    const parts = relative(resolve(context.cwd), context.filename).split(sep);
    const bad = parts.find((part) => nameless.test(part.replace(/\..*$/, '')));
    return {
      Program(node) {
        if (bad !== undefined) context.report({ node, message: `"${bad}" names no subject: say what it holds.` });
      },
    };
  },
};
