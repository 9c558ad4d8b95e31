import { Checkbox, NumberInput, Select, Textarea } from '@mantine/core';
import { instructionTemplates } from '../../../shared/instruction-templates.ts';
import type { InstructionTemplate } from '../../../shared/instruction-templates.ts';

const builtIn: readonly InstructionTemplate[] = Object.values(instructionTemplates);

/** A template with changes; it is no longer the built-in one, and is named so in what it makes. */
export function edited(template: InstructionTemplate, change: Partial<InstructionTemplate>): InstructionTemplate {
  const next = { ...template, ...change };
  const { id, name } = template;
  return id.endsWith('-edited') ? next : { ...next, id: `${id}-edited`, name: `${name}, edited` };
}

/** How the model is asked for questions: a built-in template or a copy with changes. */
export function TemplatePanel({
  template,
  problems,
  onChange,
}: {
  readonly template: InstructionTemplate;
  /** By path, such as `template.prompt`. */
  readonly problems: ReadonlyMap<string, string>;
  readonly onChange: (template: InstructionTemplate) => void;
}) {
  const change = (part: Partial<InstructionTemplate>): void => {
    onChange(edited(template, part));
  };
  const isBuiltIn = builtIn.some(({ id }) => id === template.id);
  return (
    <section className="panel form-grid" aria-label="Template">
      <h2>Template</h2>
      <Select
        label="Start from"
        data={[
          ...builtIn.map(({ id, name }) => ({ value: id, label: name })),
          ...(isBuiltIn ? [] : [{ value: template.id, label: template.name }]),
        ]}
        value={template.id}
        allowDeselect={false}
        onChange={(id) => {
          const chosen = builtIn.find((one) => one.id === id);
          if (chosen !== undefined) onChange(chosen);
        }}
      />
      <NumberInput
        label="Questions a chunk"
        description="{n} in the template; each one kept is a turn"
        inputWrapperOrder={['label', 'input', 'description', 'error']}
        min={1}
        max={20}
        allowDecimal={false}
        value={template.questions}
        error={problems.get('template.questions')}
        onChange={(questions) => {
          if (typeof questions === 'number') change({ questions });
        }}
      />
      <Select
        label="Output"
        description="numbered: one line of the list is drawn; whole: all of it is the question"
        inputWrapperOrder={['label', 'input', 'description', 'error']}
        data={['numbered', 'whole']}
        value={template.output}
        allowDeselect={false}
        onChange={(output) => {
          if (output === 'numbered' || output === 'whole') change({ output });
        }}
      />
      <Textarea
        className="wide"
        label="Instruction"
        description="{chunk} is the text, {n} the number of questions"
        autosize
        minRows={4}
        maxRows={14}
        spellCheck={false}
        value={template.prompt}
        error={problems.get('template.prompt')}
        onChange={(event) => {
          change({ prompt: event.currentTarget.value });
        }}
      />
      <Textarea
        className="wide"
        label="Phrases before a question"
        description="one a line, drawn at random; none = the question as it is"
        autosize
        minRows={1}
        maxRows={4}
        value={template.phrases.join('\n')}
        onChange={(event) => {
          const phrases = event.currentTarget.value.split('\n');
          change({ phrases: phrases.every((phrase) => phrase === '') ? [] : phrases });
        }}
        error={
          [...problems.keys()].some((path) => path.startsWith('template.phrases')) ? 'A line is empty.' : undefined
        }
      />
      {template.output === 'numbered' && (
        <Checkbox
          className="wide"
          size="xs"
          label="Drop the chunk where the list has another number of questions (the paper's rule)"
          checked={template.requireAll}
          onChange={(event) => {
            change({ requireAll: event.currentTarget.checked });
          }}
        />
      )}
    </section>
  );
}
