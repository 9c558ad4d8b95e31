import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { loadTokenizer } from '../../src/main/engine/text/tokenizer.ts';
import { loadChatTemplate } from '../../src/main/engine/text/chat-template.ts';
import { ConversationBuilder } from '../../src/main/engine/text/conversation.ts';
import type { TrainingExample } from '../../src/main/engine/training/example.ts';
import type { AnswerTree } from '../../src/main/engine/training/objectives.ts';
import { buildExample } from '../../src/main/engine/training/samples.ts';

const DEMO = path.join(import.meta.dirname, '../../resources/demo');
export const DEMO_MODEL = path.join(DEMO, 'base-model');

const document = (number: number): Promise<string> =>
  readFile(path.join(DEMO, `documents/train/harbour-${String(number).padStart(3, '0')}.txt`), 'utf8');

/**
 * The demo's LongPO pair: one document (about 430 tokens) and four turns, as its recipe has them. Questions and answers
 * are made from the document's facts ("Mara's heron slept."); the rejected answer names another fact's verb.
 */
export async function demoExample(): Promise<TrainingExample> {
  const builder = new ConversationBuilder(await loadTokenizer(DEMO_MODEL), await loadChatTemplate(DEMO_MODEL));
  const context = (await document(1)).trim();
  const sentences = context.match(/[^.]+\./g) ?? [];
  const facts = [...context.matchAll(/(\w+'s \w+) (\w+)\./g)].map(([, who = '', did = '']) => ({ who, did }));
  const chunks = [0, 1, 2, 3].map((i) => sentences.slice((i * sentences.length) / 4, ((i + 1) * sentences.length) / 4));
  const turns = chunks.map((chunk, i) => {
    const chunkText = chunk.join('').trim();
    const fact = facts.find(({ who, did }) => chunkText.includes(`${who} ${did}.`));
    const other = facts.find(({ did }) => did !== fact?.did);
    if (fact === undefined || other === undefined) throw new Error('each quarter of a demo document has a fact');
    return {
      pairId: i,
      chunkText,
      question: `What did ${fact.who} do?`,
      chosen: `${fact.who} ${fact.did}.`,
      rejected: `${fact.who} ${other.did}.`,
    };
  });
  return buildExample(builder, {
    documentId: 1,
    documentTitle: 'harbour-001',
    context,
    turns,
    provenance: { separator: '\n' },
  });
}

/** `count` tokens of text for any model. */
async function textIds(modelDir: string, count: number): Promise<Int32Array> {
  const tokenizer = await loadTokenizer(modelDir);
  const parts: Int32Array[] = [];
  let found = 0;
  for (let number = 1; found < count; number = (number % 300) + 1) {
    const ids = tokenizer.encode(`${(await document(number)).trim()}\n\n`);
    parts.push(ids);
    found += ids.length;
  }
  const out = new Int32Array(found);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out.subarray(0, count);
}

interface PairSizes {
  readonly document: number;
  readonly answer: number;
  /** Tokens of the short context. */
  readonly chunk: number;
}

/** One turn of given lengths: times do not depend on what the tokens are, so they are plain running text. */
export async function textExample(
  modelDir: string,
  { document: prefix, answer, chunk }: PairSizes,
): Promise<TrainingExample> {
  const ids = await textIds(modelDir, prefix + 2 * answer);
  const packed = (context: Int32Array): AnswerTree => {
    const row = new Int32Array(context.length + 2 * answer);
    row.set(context);
    row.set(ids.subarray(prefix), context.length);
    const chosenEnd = context.length + answer;
    return {
      tokens: { ids: row, prefix: context.length, first: answer, second: answer },
      chosen: [[context.length, chosenEnd]],
      rejected: [[chosenEnd, chosenEnd + answer]],
    };
  };
  return {
    id: 'text',
    document: { id: 'text', name: 'text' },
    tree: packed(ids.subarray(0, prefix)),
    short: [packed(ids.subarray(0, chunk))],
  };
}

/** `batch` different prompts of `length` tokens. */
export async function prompts(modelDir: string, batch: number, length: number): Promise<Int32Array[]> {
  const ids = await textIds(modelDir, batch * (length + 7));
  return Array.from({ length: batch }, (_, i) => ids.slice(i * (length + 7), i * (length + 7) + length));
}

/** The two sequences of a packed row and their answers, as everyone else trains on them. */
export function twoSequences({ tokens, chosen, rejected }: AnswerTree): {
  chosen: number[];
  rejected: number[];
  chosenSpans: (readonly [number, number])[];
  rejectedSpans: (readonly [number, number])[];
} {
  const { ids, prefix, first } = tokens;
  return {
    chosen: [...ids.subarray(0, prefix + first)],
    rejected: [...ids.subarray(0, prefix), ...ids.subarray(prefix + first)],
    chosenSpans: [...chosen],
    rejectedSpans: rejected.map(([start, end]) => [start - first, end - first] as const),
  };
}
