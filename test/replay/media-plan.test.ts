/**
 * Every recording of media is replayed by a suite, or named here with the reason why not.
 *
 * @module
 */
import { describe, expect, it } from 'vitest';
import { hasRecordings } from '../support/recordings.ts';
import { mediaEntries, plannedOf } from './media-plan.ts';

describe.skipIf(!hasRecordings)('recordings of media', () => {
  it('are replayed by a suite each, as far as their provider is here', () => {
    const bySuite = Map.groupBy(mediaEntries, (entry) => plannedOf(entry).suite ?? 'none');
    const sizes = [...bySuite].map(([suite, all]) => [suite, all.length] as const);
    expect(Object.fromEntries(sizes)).toMatchInlineSnapshot(`
      {
        "followed": 20,
        "gemini": 19,
        "huggingface": 14,
        "none": 73,
        "openai": 23,
        "voices": 10,
      }
    `);
  });

  it('that are not replayed have a reason', () => {
    const reasons = mediaEntries.flatMap((entry) => {
      const planned = plannedOf(entry);
      return planned.suite === null ? [{ ...planned, id: entry.id }] : [];
    });
    const byReason = Map.groupBy(reasons, ({ reason }) => reason);
    const sizes = [...byReason].map(([reason, all]) => [reason, all.length] as const);
    expect(Object.fromEntries(sizes)).toMatchInlineSnapshot(`
      {
        "Black Forest Labs behind the router: its wire is not spoken, a call that names it is refused": 1,
        "OpenAI’s Responses, which is no route of the gateway": 6,
        "Vertex’s \`:predict\`, which is not spoken": 2,
        "a vector of a picture: the route takes texts": 1,
        "azure is no provider here": 3,
        "black-forest-labs is no provider here": 7,
        "cohere is no provider here": 4,
        "gladia is no provider here": 2,
        "groq makes text alone here": 1,
        "hyperbolic is no provider here": 1,
        "mistral makes text alone here": 6,
        "nebius is no provider here": 1,
        "ollama makes text alone here": 2,
        "openrouter makes text alone here": 6,
        "perplexity makes text alone here": 1,
        "revai is no provider here": 3,
        "sambanova is no provider here": 1,
        "speech: no speech is made at Replicate": 2,
        "text of Llama: no text is made at Replicate": 3,
        "together makes text alone here": 3,
        "voyage is no provider here": 3,
        "xai makes text alone here": 14,
      }
    `);
  });
});
