/**
 * The catalogue of the harness: one model under two names, one price.
 *
 * @module
 */
import { createPriceItem } from '../../../catalog/price-item.ts';

/** The price of the one model, `sim/chat#1`. */
export const CHAT_PRICE = createPriceItem(
  {
    provider: 'sim',
    model: 'chat',
    rates: { input_text_tokens: 150_000_000, output_text_tokens: 600_000_000 },
    effective_from: '2026-11-23T10:00Z',
    source: 'https://prices.example',
  },
  '1',
);

export const CATALOGUE = {
  priceBook: {
    id: 'pb_test',
    items: [CHAT_PRICE],
    find: (provider: string, model: string) =>
      provider === 'sim' && model === 'chat' ? CHAT_PRICE : null,
    canonicalModel: (provider: string, model: string) =>
      provider === 'sim' && model === 'chat' ? 'chat' : null,
    findTiers: (provider: string, model: string) =>
      provider === 'sim' && model === 'chat' ? [CHAT_PRICE] : [],
  },
  list: () => [
    {
      id: 'sim/chat',
      ownedBy: 'sim',
      candidates: null,
      facts: {
        contextWindow: 8192,
        maxOutputTokens: null,
        input: ['text'],
        output: ['text'],
        capabilities: null,
      },
      usdPerMillion: { input_text_tokens: '0.150000000' },
    },
    {
      id: 'fast',
      ownedBy: 'sim',
      candidates: ['sim/chat'],
      facts: {
        contextWindow: null,
        maxOutputTokens: null,
        input: null,
        output: null,
        capabilities: null,
      },
      usdPerMillion: {},
    },
  ],
} as const;
