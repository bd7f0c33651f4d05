import { describeCallLookUp } from '../call-look-up.contract.ts';
import { simProvider } from './provider.ts';

const STARTED = { started_at_ms: 1000 };
const BILLED = {
  inputTokens: 100,
  cachedTokens: 20,
  imageTokens: 5,
  audioTokens: 0,
  outputTokens: 40,
  reasoningTokens: 10,
  searches: 1,
};

describeCallLookUp({
  definition: simProvider,
  reference: { clientRequestId: 'req_1', providerRequestId: null, sinceMs: 2000 },
  path: '/__simulator/calls/req_1',
  replies: [
    { says: 'no such call', body: { ...STARTED, data: [] }, answer: { type: 'not_found' } },
    {
      says: 'no such call since the simulator began, which is later than the call',
      body: { started_at_ms: 2001, data: [] },
      answer: { type: 'unknown' },
    },
    {
      says: 'a call that runs',
      body: { ...STARTED, data: [{ outcome: 'open', billed: null }] },
      answer: { type: 'unknown' },
    },
    {
      says: 'a call that is not billed',
      body: { ...STARTED, data: [{ outcome: 'completed', billed: null }] },
      answer: { type: 'not_billed' },
    },
    {
      says: 'a billed call, in classes apart',
      body: { ...STARTED, data: [{ outcome: 'client_closed', model: 'chat', billed: BILLED }] },
      answer: {
        type: 'billed',
        modelServed: 'chat',
        usage: {
          input_text_tokens: 75,
          cache_read_tokens: 20,
          input_image_tokens: 5,
          output_text_tokens: 30,
          reasoning_tokens: 10,
          web_searches: 1,
        },
      },
    },
  ],
  broken: [{}, { data: [] }, { ...STARTED, data: 'none' }, []],
});
