/**
 * A provider of text whose server speaks OpenAI's chat completions: its differences are data.
 *
 * @module
 */
import type { ProviderNames } from '../names.ts';

/** `provider.ts`. */
export function chatDefinition(names: ProviderNames): string {
  const { id, constant, title, variable, baseUrl, documentation } = names;
  return `/**
 * ${title}: chat completions as OpenAI has them.
 *
 * @module
 */
import { defineOpenAiCompatible } from '../openai-compatible/define.ts';

/** What differs from the common server is a quirk (\`openai-compatible/quirks.ts\`), each with the page that says so. */
export const ${constant} = defineOpenAiCompatible({
  id: '${id}',
  title: '${title}',
  environment: { credential: ['${variable}_API_KEY'], baseUrl: '${variable}_BASE_URL' },
  defaultBaseUrl: '${baseUrl}',
  versionSegment: '/v1',
  documentation: '${documentation}',
  quirks: { unsupported: [] },
});
`;
}

/** The folder's test. */
export function chatTest({ constant }: ProviderNames): string {
  return `import {
  chatConformance,
  COMMON_WIRE_PATHS,
} from '../openai-compatible/conformance-fixture.contract.ts';
import { describeTextProvider } from '../provider.contract.ts';
import { ${constant} } from './provider.ts';

describeTextProvider(chatConformance(${constant}, { wirePaths: COMMON_WIRE_PATHS }));
`;
}
