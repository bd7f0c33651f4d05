import { expect, test } from 'vitest';
import {
  chatConformance,
  COMMON_WIRE_PATHS,
} from '../openai-compatible/conformance-fixture.contract.ts';
import { describeTextProvider } from '../provider.contract.ts';
import { openAi } from './provider.ts';

describeTextProvider(
  chatConformance(openAi, {
    model: 'gpt-5-nano',
    wirePaths: {
      ...COMMON_WIRE_PATHS,
      maxOutputTokens: 'max_completion_tokens',
      serviceTier: 'service_tier',
    },
  }),
);

test('settings name organisation and project', () => {
  const exchange = openAi.text?.generate(
    { messages: [] },
    {
      model: 'gpt-5-nano',
      baseUrl: '',
      credential: 'k',
      settings: {
        organization: 'org-1',
        project: 'proj-1',
        'header.x-team': 'blue',
        'header.host': 'evil.test',
        'header.x-bad': 'a\r\nb: c',
      },
    },
  );
  expect(exchange?.request.headers).toEqual({
    accept: 'application/json',
    'content-type': 'application/json',
    'user-agent': 'alwrity-gateway',
    authorization: 'Bearer k',
    'openai-organization': 'org-1',
    'openai-project': 'proj-1',
    'x-team': 'blue',
  });
});
