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
