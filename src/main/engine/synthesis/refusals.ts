/** Usual English ways of refusing or not knowing; matched anywhere, without regard to case and kind of apostrophe. */
export const REFUSAL_PHRASES: readonly string[] = [
  "i can't assist",
  'i cannot assist',
  "i can't help with",
  'i cannot help with',
  "i can't answer",
  'i cannot answer',
  "i can't provide",
  'i cannot provide',
  "i can't fulfil",
  'i cannot fulfil',
  "i can't comply",
  'i cannot comply',
  "i can't discuss",
  'i cannot discuss',
  'i am unable to',
  "i'm unable to",
  'i am not able to',
  "i'm not able to",
  'i am not allowed to',
  "i'm not allowed to",
  'as an ai assistant',
  'as an ai language model',
  'as a language model',
  "i'm just an ai",
  'i am sorry, but i',
  "i'm sorry, but i",
  "sorry, i can't",
  'sorry, i cannot',
  "i don't have access to",
  'i do not have access to',
  "i don't have enough information",
  'i do not have enough information',
  'against my guidelines',
  'i must decline',
  'my training data does not',
  'outside the scope of what i can',
];

/** True where a text contains one of the phrases. */
export function isRefusal(text: string): boolean {
  const plain = text.toLowerCase().replaceAll(/[’‘ʼ]/g, "'");
  return REFUSAL_PHRASES.some((phrase) => plain.includes(phrase));
}
