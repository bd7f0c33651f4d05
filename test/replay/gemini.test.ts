/**
 * Every recorded `generateContent` answer, replayed through the whole gateway to a chat client.
 *
 * @module
 */
import { expect } from 'vitest';
import { describeAnswers } from './answers-suite.ts';
import { expectedOfGemini } from './gemini-recording.ts';
import { isGenerateContent } from './providers.ts';
import { chatRequestFromGemini } from './requests.ts';

describeAnswers({
  title: 'generateContent answers',
  isChosen: isGenerateContent,
  extract: expectedOfGemini,
  requestFor: chatRequestFromGemini,
  expectSent: (one, sent) => {
    const method = one.stream ? 'streamGenerateContent?alt=sse' : 'generateContent';
    expect(sent?.path.endsWith(`:${method}`)).toBe(true);
  },
});
