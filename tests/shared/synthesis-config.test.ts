import { describe, expect, it } from 'vitest';
import { instructionTemplates, placeProblem, renderInstruction } from '../../src/shared/instruction-templates.ts';
import { parseSynthesisConfig, synthesisPresets } from '../../src/shared/synthesis-config.ts';

describe('synthesis configuration', () => {
  it('is the paper where nothing is given', () => {
    const config = parseSynthesisConfig({});
    expect(config).toMatchObject({
      chunking: { maxChunksPerDocument: 4 },
      template: { id: 'paper', questions: 4 },
      question: { temperature: 0.7, topP: 0.9, maxNewTokens: 1024 },
      answer: { temperature: 0, maxNewTokens: 1024 },
      filters: { identical: 'flag', refusal: 'drop', not_in_chunk: 'off' },
      documentsPerGroup: 16,
    });
    expect(parseSynthesisConfig(structuredClone(config))).toEqual(config);
  });

  it.each(Object.entries(synthesisPresets))('preset %s is complete', (_, preset) => {
    expect(parseSynthesisConfig(preset)).toMatchObject(preset);
  });

  it.each([
    [{ chunking: { minTokens: 50, maxTokens: 20 } }, 'chunking.minTokens'],
    [{ filters: { idntical: 'drop' } }, 'filters.idntical'],
    [{ template: { ...instructionTemplates.simple, prompt: 'Ask.' } }, 'template.prompt'],
    [{ answer: { topP: 0 } }, 'answer.topP'],
  ])('%j names the field %s', (value, field) => {
    expect(() => parseSynthesisConfig(value)).toThrow(field);
  });
});

describe('templates', () => {
  it('names what is wrong with the places', () => {
    expect(placeProblem('{chunk} {n} { x } {{y}}')).toBeNull();
    expect(placeProblem('{chunk} {topic}')).toContain('{topic}');
    expect(placeProblem('Ask {n} questions')).toContain('{chunk}');
  });

  it('fills places once and leaves braces of the chunk alone', () => {
    const template = { ...instructionTemplates.simple, prompt: '{{n}} {chunk} {n}', questions: 3 };
    expect(renderInstruction(template, 'f({n}) $& {{x}}')).toBe('{n} f({n}) $& {{x}} 3');
    expect(renderInstruction(instructionTemplates.demo, 'Ida slept.')).toBe(
      'Ida slept.\nAsk a question about the text above.',
    );
  });

  it('the built-in ones are valid and the phrases are twenty different ones', () => {
    for (const template of Object.values(instructionTemplates)) expect(placeProblem(template.prompt)).toBeNull();
    expect(new Set(instructionTemplates.paper.phrases).size).toBe(20);
  });
});
