import { describeCallLookUp } from '../call-look-up.contract.ts';
import { openRouter } from './provider.ts';

/** As https://openrouter.ai/docs/api-reference/get-a-generation shows it, cut to what is billed by. */
const RECORD = {
  id: 'gen-1',
  model: 'sao10k/l3-stheno-8b',
  total_cost: 0.0015,
  streamed: true,
  cancelled: false,
  tokens_prompt: 11,
  tokens_completion: 26,
  native_tokens_prompt: 10,
  native_tokens_completion: 25,
  native_tokens_reasoning: 5,
  native_tokens_cached: 3,
};

describeCallLookUp({
  definition: openRouter,
  reference: { clientRequestId: 'req_1', providerRequestId: 'gen-1', sinceMs: 0 },
  path: '/v1/generation?id=gen-1',
  replies: [
    {
      says: 'a generation, by its native counts',
      body: { data: RECORD },
      answer: {
        type: 'billed',
        modelServed: 'sao10k/l3-stheno-8b',
        usage: {
          input_text_tokens: 7,
          cache_read_tokens: 3,
          output_text_tokens: 20,
          reasoning_tokens: 5,
        },
      },
    },
    {
      says: 'a cancelled one, with what had been produced',
      body: {
        data: {
          ...RECORD,
          cancelled: true,
          native_tokens_completion: 4,
          native_tokens_reasoning: null,
          native_tokens_cached: null,
        },
      },
      answer: {
        type: 'billed',
        modelServed: 'sao10k/l3-stheno-8b',
        usage: { input_text_tokens: 10, output_text_tokens: 4 },
      },
    },
    {
      says: 'one without any use',
      body: {
        data: { ...RECORD, total_cost: 0, native_tokens_prompt: 0, native_tokens_completion: 0 },
      },
      answer: { type: 'not_billed' },
    },
    {
      says: 'one that came to nothing',
      body: {
        data: {
          ...RECORD,
          total_cost: 0,
          native_tokens_prompt: null,
          native_tokens_completion: null,
        },
      },
      answer: { type: 'not_billed' },
    },
    {
      says: 'none of that id',
      status: 404,
      body: { error: { code: 404, message: 'Generation gen-1 not found' } },
      answer: { type: 'not_found' },
    },
  ],
  broken: [{}, { data: null }, { data: { ...RECORD, native_tokens_prompt: null } }],
});
