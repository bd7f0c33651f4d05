import { describeTextProvider } from '../provider.contract.ts';
import { chatConformance, COMMON_WIRE_PATHS } from './conformance-fixture.contract.ts';
import { openAiCompatible } from './provider.ts';

describeTextProvider(
  chatConformance(openAiCompatible, {
    wirePaths: {
      ...COMMON_WIRE_PATHS,
      maxOutputTokens: 'max_tokens',
      topK: 'top_k',
      serviceTier: 'service_tier',
    },
  }),
);
