import { BYTE_CHARACTERS } from './bpe.ts';

/** One step of a tokenizer.json `decoder`. */
export type DecoderStep =
  | { readonly type: 'byteLevel' }
  | { readonly type: 'byteFallback' }
  | { readonly type: 'fuse' }
  | { readonly type: 'replace'; readonly pattern: RegExp; readonly content: string }
  | { readonly type: 'strip'; readonly content: string; readonly start: number; readonly stop: number }
  | { readonly type: 'metaspace'; readonly replacement: string; readonly stripFirst: boolean };

const BYTE_OF = new Map(BYTE_CHARACTERS.map((character, byte) => [character, byte]));
const FALLBACK = /^<0x([0-9A-Fa-f]{2})>$/;

/** Turns the texts of tokens into the text they stand for, as Hugging Face tokenizers' decoders do. */
export function decodeTokens(tokens: readonly string[], steps: readonly DecoderStep[]): string {
  return steps.reduce<readonly string[]>(decodeStep, tokens).join('');
}

function decodeStep(tokens: readonly string[], step: DecoderStep): readonly string[] {
  switch (step.type) {
    case 'byteLevel':
      return [byteLevel(tokens)];
    case 'byteFallback':
      return byteFallback(tokens);
    case 'fuse':
      return [tokens.join('')];
    case 'replace':
      return tokens.map((token) => token.replaceAll(step.pattern, () => step.content));
    case 'strip':
      return tokens.map((token) => strip(token, step.content, step.start, step.stop));
    case 'metaspace':
      return tokens.map((token, i) => token.replaceAll(step.replacement, i === 0 && step.stripFirst ? '' : ' '));
  }
}

function byteLevel(tokens: readonly string[]): string {
  const chunks = tokens.map((token) => {
    const bytes = Array.from(token, (character) => BYTE_OF.get(character));
    // A token outside the byte alphabet (an added token) stands for itself.
    return bytes.includes(undefined) ? Buffer.from(token) : Buffer.from(bytes as number[]);
  });
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.concat(chunks));
}

function byteFallback(tokens: readonly string[]): string[] {
  const out: string[] = [];
  let pending: number[] = [];
  const flush = (): void => {
    if (pending.length === 0) return;
    try {
      out.push(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(pending)));
    } catch {
      out.push(...pending.map(() => '\u{FFFD}'));
    }
    pending = [];
  };
  for (const token of tokens) {
    const hex = FALLBACK.exec(token)?.[1];
    if (hex === undefined) {
      flush();
      out.push(token);
    } else {
      pending.push(Number.parseInt(hex, 16));
    }
  }
  flush();
  return out;
}

function strip(token: string, content: string, start: number, stop: number): string {
  let from = 0;
  let to = token.length;
  while (from < start && token[from] === content) from++;
  while (token.length - to < stop && to > from && token[to - 1] === content) to--;
  return token.slice(from, to);
}
