import type { PromptForm } from '../../../../shared/evaluation-tasks.ts';
import type { PromptCodec } from '../../generation/prompt-codec.ts';
import type { ChatTemplate } from '../../text/chat-template.ts';
import { promptText } from '../prompt-text.ts';
import type { PromptParts } from './item.ts';

export interface FittedPrompt {
  readonly ids: Int32Array;
  /** Something was left out. */
  readonly cut: boolean;
}

/**
 * A prompt as token ids, at most `room` of them. Too long a one loses its middle (LongBench, InfiniteBench: the halves of
 * the tokens are turned back into text and put together) or the end of its context, up to a whole character (HELMET).
 * Null where even the rest does not fit.
 * @param lead tokens before every plain text, such as `<s>`
 */
export function fittedPrompt(
  {
    template,
    codec,
    lead,
  }: { readonly template: ChatTemplate; readonly codec: PromptCodec; readonly lead: Int32Array },
  { before, context, after }: PromptParts,
  { form, cut, room }: { readonly form: PromptForm; readonly cut: 'middle' | 'context'; readonly room: number },
): FittedPrompt | null {
  const idsOf = (input: string): Int32Array => {
    const ids = codec.encode(promptText({ template }, form, { input, answerPrefix: '' }));
    return form === 'chat' ? ids : Int32Array.from([...lead, ...ids]);
  };
  const ids = idsOf(before + context + after);
  if (ids.length <= room) return { ids, cut: false };
  const [head, middle, tail] = cut === 'middle' ? ['', before + context + after, ''] : [before, context, after];
  const tokens = codec.encode(middle);
  // Texts put together may have a few tokens more than their parts: what is left over is taken away, too.
  let kept = tokens.length - (ids.length - room);
  for (let round = 0; round < 8 && kept > 1; round += 1) {
    const half = Math.floor(kept / 2);
    const shorter =
      cut === 'middle'
        ? codec.decode(tokens.subarray(0, half)) + codec.decode(tokens.subarray(tokens.length - half))
        : withoutPart(codec.decode(tokens.subarray(0, kept)), context);
    const fitted = idsOf(head + shorter + tail);
    if (fitted.length <= room) return { ids: fitted, cut: true };
    kept -= fitted.length - room;
  }
  return null;
}

/** A context's beginning without the sign for a part of a character at its end. */
function withoutPart(beginning: string, context: string): string {
  let end = beginning.length;
  while (end > 0 && beginning[end - 1] === '\uFFFD' && context[end - 1] !== '\uFFFD') end -= 1;
  return beginning.slice(0, end);
}
