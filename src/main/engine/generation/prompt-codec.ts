import { readTurnFormat } from '../text/chat-template.ts';
import type { ChatTemplate } from '../text/chat-template.ts';
import { buildPrompt } from '../text/conversation.ts';
import type { Tokenizer } from '../text/tokenizer.ts';

/** A model's tokenizer and chat template, as far as generation needs them. */
export interface PromptCodec {
  /** Token ids of a text, nothing added. */
  encode(text: string): Int32Array;
  count(text: string): number;
  /** Text of token ids, special tokens included. */
  decode(ids: Int32Array): string;
  /** Token ids of a chat with this one user message, up to and including the header of the answer. */
  encodePrompt(user: string): Int32Array;
  /** Any of these ends an answer. */
  readonly stopIds: readonly number[];
}

/**
 * The codec of a model. An answer ends at the template's end of turn or at any of the model's eos tokens.
 * @throws UserError where template and tokenizer do not fit together
 */
export function promptCodec(tokenizer: Tokenizer, template: ChatTemplate): PromptCodec {
  const { endOfTurnId } = readTurnFormat(tokenizer, template);
  return {
    encode: (text) => tokenizer.encode(text),
    count: (text) => tokenizer.count(text),
    decode: (ids) => tokenizer.decode(ids),
    encodePrompt: (user) => buildPrompt(tokenizer, template, [{ role: 'user', content: user }]),
    stopIds: [...new Set([endOfTurnId, ...tokenizer.eosTokenIds])],
  };
}
