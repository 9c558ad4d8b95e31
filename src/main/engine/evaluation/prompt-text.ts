import type { PromptForm } from '../../../shared/evaluation-tasks.ts';
import type { ChatTemplate } from '../text/chat-template.ts';

/**
 * A prompt whose answer has begun: the chat up to the answer's header and the answer's beginning, or input and beginning
 * as plain text (lm-evaluation-harness with and without --apply_chat_template).
 */
export function promptText(
  { template }: { readonly template: ChatTemplate },
  form: PromptForm,
  { input, answerPrefix }: { readonly input: string; readonly answerPrefix: string },
): string {
  const begun = answerPrefix.trim();
  if (form === 'chat')
    return template.render([{ role: 'user', content: input }], { addGenerationPrompt: true }) + begun;
  return begun === '' ? input : `${input} ${begun}`;
}
