import {
  chatConformance,
  COMMON_WIRE_PATHS,
} from '../openai-compatible/conformance-fixture.contract.ts';
import { describeTextProvider } from '../provider.contract.ts';
import {
  cerebras,
  deepSeek,
  groq,
  mistral,
  ollama,
  openRouter,
  perplexity,
  together,
  vLlm,
  waveSpeedText,
  xAi,
} from './provider.ts';

const schemasOf = chatConformance(groq, { wirePaths: {} }).schemasIn;

for (const definition of [groq, together, openRouter, xAi, cerebras, ollama, vLlm, waveSpeedText]) {
  describeTextProvider(chatConformance(definition, { wirePaths: COMMON_WIRE_PATHS }));
}

describeTextProvider(
  chatConformance(mistral, { wirePaths: { ...COMMON_WIRE_PATHS, seed: 'random_seed' } }),
);

describeTextProvider(
  chatConformance(deepSeek, {
    wirePaths: COMMON_WIRE_PATHS,
    schemasIn: {
      ...schemasOf,
      // Told to the model in a message of its own.
      responseFormat: (body) => {
        const [message] = (body as { messages: { content: string }[] }).messages;
        return JSON.parse(message?.content.split('\n').at(-1) ?? '');
      },
    },
  }),
);

describeTextProvider(
  chatConformance(perplexity, {
    wirePaths: COMMON_WIRE_PATHS,
    skips: [
      {
        reason: 'calls no functions: tools are dropped with a warning',
        tests: ['request (whole): schemas', 'request (streamed): schemas'],
      },
    ],
  }),
);
