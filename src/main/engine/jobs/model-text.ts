import { promptCodec } from '../generation/prompt-codec.ts';
import type { PromptCodec } from '../generation/prompt-codec.ts';
import { loadChatTemplate } from '../text/chat-template.ts';
import type { ChatTemplate } from '../text/chat-template.ts';
import { ConversationBuilder } from '../text/conversation.ts';
import { loadTokenizer } from '../text/tokenizer.ts';
import type { Tokenizer } from '../text/tokenizer.ts';

/** A model's tokenizer and chat template, and what is made of the two. */
export interface ModelText {
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
  readonly codec: PromptCodec;
  readonly builder: ConversationBuilder;
}

/** Errors: those of tokenizer and template, and where the two do not fit together. */
export async function loadModelText(modelDir: string): Promise<ModelText> {
  const tokenizer = await loadTokenizer(modelDir);
  const template = await loadChatTemplate(modelDir);
  const builder = new ConversationBuilder(tokenizer, template);
  return { tokenizer, template, builder, codec: promptCodec(tokenizer, template) };
}

const PROBE = 'zqprobeqz';

/** What stands before the text of a first user message, as token ids: the lead under which plain texts are scored. */
export function userLead({ tokenizer, template }: Pick<ModelText, 'tokenizer' | 'template'>): Int32Array {
  const text = template.render([{ role: 'user', content: PROBE }], { addGenerationPrompt: true });
  return tokenizer.encode(text.slice(0, Math.max(0, text.indexOf(PROBE))));
}
