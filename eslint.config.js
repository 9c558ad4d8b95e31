import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';
import { fileNameRule } from './lint/file-name-rule.ts';
import { layersRule } from './lint/layers-rule.ts';

const noEnums = [
  { selector: 'TSEnumDeclaration', message: 'Use a union of string literals: enums cannot be erased.' },
  { selector: 'TSModuleDeclaration[kind!="global"]', message: 'Use modules: namespaces cannot be erased.' },
];
const noBarrels = [
  { selector: 'ExportAllDeclaration', message: 'No barrel files: import from the file that defines it.' },
  { selector: 'ExportNamedDeclaration[source]', message: 'No barrel files: import from the file that defines it.' },
];

export default defineConfig(
  { ignores: ['node_modules/', 'out/', 'dist/', 'coverage/', '.cache/', 'resources/', 'tests/fixtures/'] },
  {
    files: ['**/*.{ts,tsx,mts,js,mjs}'],
    plugins: { longhand: { rules: { layers: layersRule, 'file-name': fileNameRule } } },
    rules: { 'longhand/layers': 'error', 'longhand/file-name': 'error' },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
  },
  {
    files: ['**/*.{ts,tsx,mts}'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-unnecessary-type-arguments': 'error',
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/prefer-promise-reject-errors': 'error',
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // An async method may fulfil an interface without waiting for anything.
      '@typescript-eslint/require-await': 'off',
      'no-restricted-syntax': ['error', ...noEnums],
    },
  },
  { files: ['src/**/*.{ts,tsx}'], rules: { 'no-restricted-syntax': ['error', ...noEnums, ...noBarrels] } },
);
