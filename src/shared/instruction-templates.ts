import { z } from 'zod';

/** How the model is asked for questions about a chunk, and how its output is read. Every part can be edited. */
export const instructionTemplateSchema = z.strictObject({
  id: z.string().min(1),
  name: z.string().min(1),
  /** User message; `{chunk}` must occur, `{n}` may. `{{` and `}}` stand for braces. */
  prompt: z.string().superRefine((text, context) => {
    const problem = placeProblem(text);
    if (problem !== null) context.addIssue({ code: 'custom', message: problem });
  }),
  /** Number of questions asked for, `{n}`. */
  questions: z.int().min(1).max(20),
  /** `numbered`: a list "1: ...", of which one question is taken at random; `whole`: the whole output is the question. */
  output: z.enum(['numbered', 'whole']),
  /** A numbered list must hold exactly `questions` questions, else the chunk is dropped (the paper's rule). */
  requireAll: z.boolean(),
  /** One of them is put before the question at random; empty: none. */
  phrases: z.array(z.string().min(1)),
  /** What stands between a context and the question in the prompts that are answered. */
  separator: z.string(),
});

export type InstructionTemplate = z.infer<typeof instructionTemplateSchema>;

const placePattern = /\{\{|\}\}|\{([A-Za-z_]\w*)\}/g;
const knownPlaces = ['chunk', 'n'];

/** What is wrong with the named places of a prompt, as a clause, or null. */
export function placeProblem(prompt: string): string | null {
  const found = [...prompt.matchAll(placePattern)].flatMap((match) => match[1] ?? []);
  const unknown = found.find((name) => !knownPlaces.includes(name));
  if (unknown !== undefined) {
    return `has an unknown place {${unknown}}; there are {chunk} and {n}, and {{${unknown}}} stands for the text itself`;
  }
  return found.includes('chunk') ? null : 'lacks the place {chunk}, where the text is to stand';
}

/** The user message that asks about a chunk. Filled in one pass, so that braces inside the chunk mean nothing. */
export function renderInstruction(template: InstructionTemplate, chunk: string): string {
  return template.prompt.replace(placePattern, (place, name: string | undefined) => {
    if (name === undefined) return place.slice(1);
    return name === 'chunk' ? chunk : String(template.questions);
  });
}

const paperPrompt = `Context:
{chunk}

Write {n} comprehensive questions in English about the context above. They should test how well a reader has understood and analysed the whole text and connected its themes.

Each question must meet these requirements:
- It connects information from different sections of the text.
- It asks for synthesis or analysis, not for the recall of a single fact.
- It has a focus of its own, so that the questions together cover the text broadly.
- It invites critical thinking, for instance about causes, consequences or a hypothetical case.
- It is clear, unambiguous and can be answered from the text alone.

Write the questions only, without answers or comments, one a line, numbered from "1:" to "{n}:".`;

/** Put before a question, so that it refers to the text (LongPO's data construction does this; the wording is ours). */
export const contextPhrases: readonly string[] = [
  'As described in the preceding text,',
  'Based on the text above,',
  'According to the material provided,',
  'Considering the passage above,',
  'Going by what the text says,',
  'In view of the preceding passage,',
  'Drawing on the text given above,',
  'Using only the text above,',
  'With the preceding material in mind,',
  'From what is written above,',
  'Relying on the document above,',
  'Taking the text above as a whole,',
  'In the light of the document above,',
  'After reading the passage above,',
  'Given the content above,',
  'Judging by the preceding document,',
  'On the basis of the passage above,',
  'As far as the text above tells,',
  'Looking back at the text above,',
  'Keeping to the document above,',
];

/** Built-in templates; a copy can be edited. */
export const instructionTemplates: Readonly<Record<'paper' | 'simple' | 'demo', InstructionTemplate>> = {
  paper: {
    id: 'paper',
    name: 'Four comprehensive questions (as in the paper)',
    prompt: paperPrompt,
    questions: 4,
    output: 'numbered',
    requireAll: true,
    phrases: [...contextPhrases],
    separator: '\n\n',
  },
  simple: {
    id: 'simple',
    name: 'One question',
    prompt:
      '{chunk}\n\nWrite one clear question that can be answered from the text above alone. Write the question only.',
    questions: 1,
    output: 'whole',
    requireAll: false,
    phrases: [],
    separator: '\n\n',
  },
  demo: {
    id: 'demo',
    name: 'Demo model',
    prompt: '{chunk}\nAsk a question about the text above.',
    questions: 1,
    output: 'whole',
    requireAll: false,
    phrases: [],
    separator: '\n',
  },
};
