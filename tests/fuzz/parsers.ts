import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unzipSync, zipSync } from 'fflate';
import fc from 'fast-check';
import { readCase } from '../../src/main/engine/golden/case-files.ts';
import { readQuestionSet } from '../../src/main/engine/evaluation/question-set.ts';
import { loadModelConfig } from '../../src/main/engine/model/config.ts';
import { readAdapter } from '../../src/main/engine/model/peft.ts';
import { openSafetensors, readTensorBytes } from '../../src/main/engine/model/safetensors.ts';
import { loadChatTemplate } from '../../src/main/engine/text/chat-template.ts';
import { loadTokenizer } from '../../src/main/engine/text/tokenizer.ts';
import { readSource } from '../../src/main/importers/read-source.ts';
import { readBundle, readVerdicts } from '../../src/main/services/bundle-file.ts';
import { importProblemSchema, newDocumentSchema } from '../../src/shared/documents.ts';
import type { ImporterName } from '../../src/shared/import-kinds.ts';
import { mutateBytes, mutateJson, pick } from './mutate.ts';
import type { Random } from './mutate.ts';
import { bundleSeeds } from './bundle-seeds.ts';
import { templates } from './templates.ts';

/** One parser under attack. */
export interface Target {
  /** Share of the cases. */
  readonly weight: number;
  /**
   * Prepares `folder` and answers how to make the input of one case and how to give it to the parser. A `UserError` or
   * `FileProblem` is an answer, anything else that is thrown is a finding.
   */
  prepare(folder: string, seed: number): Promise<Prepared>;
}

export interface Prepared {
  make(random: Random, index: number): Uint8Array;
  /** Writes the input where the parser looks for it, and parses. */
  parse(input: Uint8Array): Promise<void>;
}

const fixture = (path: string): string => fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url));
const bytesOf = (path: string): Uint8Array => new Uint8Array(readFileSync(fixture(path)));
const jsonOf = (path: string): unknown => JSON.parse(readFileSync(fixture(path), 'utf8'));

/** Values to put into JSON, the same for a seed. */
const jsonValues = (seed: number): unknown[] => [
  ...fc.sample(fc.jsonValue({ maxDepth: 2 }), { seed, numRuns: 200 }),
  ...[null, true, -1, 0, 1, 0.5, 1e308, 2 ** 31, 2 ** 53, '', 'x', [], {}, [[]], '\ud800', 'a'.repeat(5000)],
];

const bytesMaker =
  (seeds: readonly Uint8Array[]) =>
  (random: Random): Uint8Array =>
    mutateBytes(pick(random, seeds), seeds, random);

/** Half of the cases change bytes, half the meaning. */
function jsonMaker(seeds: readonly unknown[], seed: number, space?: number): Prepared['make'] {
  const values = jsonValues(seed);
  const texts = seeds.map((value) => Buffer.from(JSON.stringify(value, null, space)));
  const bytes = bytesMaker(texts);
  return (random) =>
    random(2) === 0
      ? bytes(random)
      : Buffer.from(JSON.stringify(mutateJson(pick(random, seeds), values, random)) ?? '');
}

/** A parser of one file of a model folder; the others are those of a good model. */
function modelFile(
  weight: number,
  name: string,
  make: (seed: number) => Prepared['make'],
  load: (folder: string) => Promise<void>,
): Target {
  return {
    weight,
    prepare: async (folder, seed) => {
      for (const other of ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'generation_config.json']) {
        copyFileSync(fixture(`golden/models/llama/${other}`), join(folder, other));
      }
      return {
        make: make(seed),
        parse: async (input) => {
          writeFileSync(join(folder, name), input);
          await load(folder);
        },
      };
    },
  };
}

const models = readdirSync(fixture('golden/models'));

function importer(weight: number, name: ImporterName, make: Prepared['make']): Target {
  return {
    weight,
    prepare: async (folder) => ({
      make,
      parse: async (input) => {
        const path = join(folder, `case.${name}`);
        writeFileSync(path, input);
        const options = {
          encoding: 'auto',
          textField: 'text',
          tree: 'files',
          joinedCharacters: 1000,
          maxBytes: 1e7,
        } as const;
        for await (const item of readSource({ path, importer: name, members: null }, options)) {
          if ('reason' in item) importProblemSchema.parse(item);
          else newDocumentSchema.parse(item);
        }
      },
    }),
  };
}

const importerFiles = (...names: string[]): Uint8Array[] => names.map((name) => bytesOf(`importers/${name}`));

/** Half of the cases damage the archive, half a part inside, which the checksums would catch otherwise. */
function archiveMaker(...names: string[]): Prepared['make'] {
  const files = importerFiles(...names);
  const bytes = bytesMaker(files);
  const archives = files.map((file) => {
    const parts = unzipSync(file, { filter: ({ name }) => !/thumbnail|theme|styles|fontTable|webSettings/.test(name) });
    return { parts, seeds: Object.values(parts).filter((part) => part.length > 0) };
  });
  return (random) => {
    if (random(2) === 0) return bytes(random);
    const { parts, seeds } = pick(random, archives);
    const part = pick(random, Object.keys(parts));
    const changed = mutateBytes(parts[part] ?? new Uint8Array(), seeds, random);
    const name = random(10) === 0 ? `../../../${part}` : part;
    return zipSync({ ...parts, [name]: changed }, { level: 1 });
  };
}

const rows = [
  { text: 'The ship sailed at dawn.', title: 'One', n: 1 },
  { text: 'Zwei\u2028Zeilen', messages: [{ role: 'user', content: 'x' }] },
  { prompt: 'p', chosen: 'c', rejected: 'r' },
];

function linesMaker(
  seeds: readonly (readonly unknown[])[],
  seed: number,
  seal?: (lines: unknown[]) => unknown[],
): Prepared['make'] {
  const values = jsonValues(seed);
  const texts = seeds.map((lines) => Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join('')));
  const bytes = bytesMaker(texts);
  return (random) => {
    if (random(3) === 0) return bytes(random);
    const lines = [...pick(random, seeds)];
    const at = random(lines.length);
    lines[at] = mutateJson(lines[at], values, random);
    if (random(8) === 0) lines.splice(random(lines.length), 0, pick(random, lines));
    const sealed = seal === undefined || random(4) === 0 ? lines : seal(lines);
    return Buffer.from(sealed.map((line) => `${JSON.stringify(line) ?? ''}\n`).join(''));
  };
}

/** The end line as it should be for what is there now: the damage is past the checksum. */
function reseal(lines: unknown[]): unknown[] {
  const body = lines.slice(0, -1);
  const hash = createHash('sha256');
  for (const line of body) hash.update(`${JSON.stringify(line) ?? ''}\n`);
  return [...body, { kind: 'end', records: body.length - 1, sha256: hash.digest('hex') }];
}

function oneFile(
  weight: number,
  name: string,
  make: (seed: number) => Promise<Prepared['make']>,
  parse: (path: string) => Promise<void>,
): Target {
  return {
    weight,
    prepare: async (folder, seed) => {
      const path = join(folder, name);
      return {
        make: await make(seed),
        parse: async (input) => {
          writeFileSync(path, input);
          await parse(path);
        },
      };
    },
  };
}

/** A folder of several files, one of which is damaged at a time; `folder` lies under the case's. */
function severalFiles(
  weight: number,
  source: string,
  files: readonly string[],
  parse: (folder: string) => Promise<void>,
): Target {
  return {
    weight,
    prepare: async (folder, seed) => {
      const good = files.map((name) => bytesOf(`${source}/${name}`));
      const makers = files.map((name, index) =>
        name.endsWith('.json')
          ? jsonMaker([jsonOf(`${source}/${name}`)], seed)
          : bytesMaker([good[index] ?? new Uint8Array()]),
      );
      mkdirSync(join(folder, 'case'), { recursive: true });
      const restore = (): void => {
        for (const [index, name] of files.entries()) writeFileSync(join(folder, 'case', name), good[index] ?? '');
      };
      restore();
      let damaged = 0;
      return {
        make: (random, index) => {
          const input = makers[(damaged = index % files.length)]?.(random, index) ?? new Uint8Array();
          return input;
        },
        parse: async (input) => {
          const path = join(folder, 'case', files[damaged] ?? '');
          writeFileSync(path, input);
          try {
            await parse(join(folder, 'case'));
          } finally {
            writeFileSync(path, good[damaged] ?? '');
          }
        },
      };
    },
  };
}

const llama = loadModelConfig(fixture('golden/models/llama'));

/** Every parser of what a person opens. */
export const targets: Readonly<Record<string, Target>> = {
  safetensors: oneFile(
    14,
    'case.safetensors',
    async () => {
      const small = smallSafetensors();
      return bytesMaker([...small, bytesOf('golden/adapters/llama/adapter_model.safetensors')]);
    },
    async (path) => {
      const file = await openSafetensors(path);
      for (const name of file.tensors.keys()) await readTensorBytes(file, name);
    },
  ),
  config: modelFile(
    16,
    'config.json',
    (seed) =>
      jsonMaker(
        models.map((name) => jsonOf(`golden/models/${name}/config.json`)),
        seed,
        2,
      ),
    async (folder) => void (await loadModelConfig(folder)),
  ),
  tokenizer: modelFile(
    9,
    'tokenizer.json',
    (seed) =>
      jsonMaker(
        ['llama', 'mistral', 'qwen2'].map((name) => jsonOf(`golden/models/${name}/tokenizer.json`)),
        seed,
      ),
    async (folder) => {
      const tokenizer = await loadTokenizer(folder);
      const ids = tokenizer.encode('The ship sailed <s> at 12:30, née 漢字 \ud83d\ude00 </s>\n\n  x');
      tokenizer.decode(ids);
    },
  ),
  tokenizerConfig: modelFile(
    6,
    'tokenizer_config.json',
    (seed) =>
      jsonMaker(
        models.map((name) => jsonOf(`golden/models/${name}/tokenizer_config.json`)),
        seed,
      ),
    async (folder) => void (await loadTokenizer(folder)),
  ),
  chatTemplate: modelFile(
    12,
    'chat_template.jinja',
    (seed) => {
      const cases = jsonOf('chat-templates/cases.json');
      const real = stringsIn(cases)
        .filter((text) => text.includes('{%'))
        .map((text) => Buffer.from(text));
      const made = fc.sample(templates(), { seed, numRuns: 4000 }).map((text) => Buffer.from(text));
      return (random) => {
        const kind = random(3);
        if (kind === 0) return pick(random, made);
        return mutateBytes(pick(random, kind === 1 ? made : real), made, random);
      };
    },
    async (folder) => {
      const template = await loadChatTemplate(folder);
      const messages = [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Who?' },
        { role: 'assistant', content: 'Tom.' },
      ] as const;
      template.render(messages, { addGenerationPrompt: true });
    },
  ),
  jsonl: importer(12, 'jsonl', linesMaker([rows], 1)),
  txt: importer(
    4,
    'txt',
    bytesMaker([Buffer.from('A pier.\r\n\fÜber 漢字 \ud83d\ude00\n'.repeat(20)), Buffer.from('\ufeffx\n', 'utf16le')]),
  ),
  html: importer(7, 'html', bytesMaker(importerFiles('page.html'))),
  parquet: importer(
    6,
    'parquet',
    bytesMaker(
      importerFiles(...['snappy', 'gzip', 'zstd', 'brotli', 'none', 'v2'].map((codec) => `rows-${codec}.parquet`)),
    ),
  ),
  pdf: importer(
    2,
    'pdf',
    bytesMaker(importerFiles('columns.pdf', 'report.pdf', 'locked.pdf', 'scan.pdf', 'tables.pdf')),
  ),
  docx: importer(1, 'docx', archiveMaker('notes.docx')),
  epub: importer(4, 'epub', archiveMaker('book.epub', 'protected.epub')),
  reviewBundle: oneFile(
    6,
    'case.bundle.jsonl',
    async (seed) => linesMaker([(await bundleSeeds()).bundle], seed, reseal),
    async (path) => {
      for await (const item of readBundle(path)) void item;
    },
  ),
  verdicts: oneFile(
    6,
    'case.verdicts.jsonl',
    async (seed) => linesMaker([(await bundleSeeds()).verdicts], seed, reseal),
    async (path) => void (await readVerdicts(path)),
  ),
  questions: oneFile(
    6,
    'case.jsonl',
    async (seed) => {
      const text = readFileSync(fixture('../../resources/demo/documents/eval/short.jsonl'), 'utf8');
      return linesMaker(
        [
          text
            .trim()
            .split('\n')
            .slice(0, 3)
            .map((line) => JSON.parse(line) as unknown),
        ],
        seed,
      );
    },
    async (path) => void (await readQuestionSet(path)),
  ),
  golden: severalFiles(
    3,
    'golden/forward/llama',
    ['inputs.json', 'expected.json', 'tensors.safetensors'],
    async (folder) => void (await readCase({ name: 'case', folder })),
  ),
  adapter: severalFiles(
    6,
    'golden/adapters/llama',
    ['adapter_config.json', 'adapter_model.safetensors'],
    async (folder) => void (await readAdapter(folder, await llama)),
  ),
};

function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsIn) : [];
}

/** Files of a few hundred bytes, so that most changes hit the header. */
function smallSafetensors(): Uint8Array[] {
  const build = (header: unknown, data: number): Uint8Array => {
    const text = Buffer.from(JSON.stringify(header));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    return Buffer.concat([length, text, Buffer.alloc(data, 1)]);
  };
  return [
    build(
      {
        a: { dtype: 'F32', shape: [2, 2], data_offsets: [0, 16] },
        b: { dtype: 'BF16', shape: [4], data_offsets: [16, 24] },
      },
      24,
    ),
    build(
      {
        __metadata__: { format: 'pt' },
        a: { dtype: 'F16', shape: [], data_offsets: [0, 2] },
        e: { dtype: 'U8', shape: [0], data_offsets: [2, 2] },
      },
      2,
    ),
  ];
}
