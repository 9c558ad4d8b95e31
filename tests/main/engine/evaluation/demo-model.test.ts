import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askAboutContexts, harbourAnswers } from '../../../../src/main/engine/evaluation/ask-valid.ts';
import { answerQuestions, scoreAnswers } from '../../../../src/main/engine/evaluation/question-scoring.ts';
import type { QuestionScore } from '../../../../src/main/engine/evaluation/question-scoring.ts';
import { readQuestionSet } from '../../../../src/main/engine/evaluation/question-set.ts';
import { meanNll, scoreTexts } from '../../../../src/main/engine/evaluation/text-nll.ts';
import { instructionTemplates } from '../../../../src/shared/instruction-templates.ts';
import { demoFile } from '../generation/ngram-runner.ts';
import { demoModel } from './demo-model.ts';

// The figures of the demo's base model in resources/demo/README.md, measured there with PyTorch.
describe('the demo base model scores what its reference run measured', () => {
  let model: Awaited<ReturnType<typeof demoModel>>;
  const batch = { maxSequences: 64, maxTokens: 32768 };
  const set = (name: string) => readQuestionSet(demoFile('documents/eval', `${name}.jsonl`));
  const score = async (name: string): Promise<QuestionScore> => {
    const items = await set(name);
    const options = { rule: 'exact' as const, separator: '\n', maxNewTokens: 14, batch };
    return scoreAnswers(items, await answerQuestions(model, items, options));
  };
  beforeAll(async () => {
    model = await demoModel();
  });
  afterAll(async () => model.runner.release());

  it('short questions .996, closed book 1.000', async () => {
    expect((await score('short')).accuracy.value).toBe(510 / 512);
    expect((await score('closed')).accuracy.value).toBe(1);
  });

  it('long questions .328, by quarter .21 .40 .54 .13', { timeout: 120_000 }, async () => {
    const { accuracy, byDepth, tooLong } = await score('long');
    expect(accuracy.value).toBe(168 / 512);
    expect(byDepth?.map((quarter) => quarter.value.toFixed(2))).toEqual(['0.21', '0.40', '0.54', '0.13']);
    expect(tooLong).toBe(0);
  });

  it('text NLL 1.510 on long texts', { timeout: 120_000 }, async () => {
    const texts = (await set('long')).slice(0, 256).map((item) => model.codec.encode(item.context));
    const options = { lead: model.codec.encode('<|user|>'), maxTokens: 512 };
    expect(meanNll(await scoreTexts(model.runner, model.state, texts, options)).value).toBeCloseTo(1.51038, 4);
  });

  it('asks questions that the text answers, .852 within sampling error', async () => {
    const contexts = (await set('short')).slice(0, 256).map((item) => item.context);
    const { share } = await askAboutContexts(model, contexts, {
      ...{ maxNewTokens: 10, temperature: 0.7, topP: 0.9, topK: 0, seed: 0, batch },
      template: instructionTemplates.demo,
      isAnswered: harbourAnswers,
    });
    expect(share.low).toBeLessThan(0.852);
    expect(share.high).toBeGreaterThan(0.852);
  });
});
