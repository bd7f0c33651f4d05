/**
 * Reads the tables inside @pydantic/genai-prices (MIT, https://github.com/pydantic/genai-prices).
 *
 * @module
 */

export interface SourceTiers {
  readonly base: number;
  readonly tiers: readonly { readonly start: number; readonly price: number }[];
}

export type SourcePrices = Readonly<Record<string, number | SourceTiers | undefined>>;

export type SourceConstraint =
  | { readonly type: 'start_date'; readonly start_date: string }
  | { readonly type: 'time_of_date'; readonly start_time: string; readonly end_time: string };

export interface SourceModel {
  /** Our provider id. */
  readonly provider: string;
  /** The partner behind Hugging Face's router, else null. */
  readonly partner: string | null;
  readonly model: string;
  /** Further names that the source resolves to this model. */
  readonly names: readonly string[];
  readonly contextWindow: number | null;
  readonly prices: readonly {
    readonly constraint: SourceConstraint | null;
    readonly prices: SourcePrices;
  }[];
}

/** Source's provider id → ours. Hugging Face has one source provider for each partner. */
const PROVIDERS: Readonly<Record<string, string>> = {
  anthropic: 'anthropic',
  cerebras: 'cerebras',
  cohere: 'cohere',
  deepseek: 'deepseek',
  google: 'gemini',
  groq: 'groq',
  mistral: 'mistral',
  openai: 'openai',
  openrouter: 'openrouter',
  perplexity: 'perplexity',
  together: 'together',
  'x-ai': 'xai',
};
const PARTNERS = [
  'cerebras',
  'fireworks-ai',
  'groq',
  'hyperbolic',
  'nebius',
  'novita',
  'nscale',
  'ovhcloud',
  'publicai',
  'sambanova',
  'together',
];

function literalsOf(match: unknown): string[] {
  if (typeof match !== 'object' || match === null) return [];
  return Object.entries(match).flatMap(([kind, value]: [string, unknown]) => {
    if (kind === 'regex') return [];
    if (typeof value === 'string') return [value];
    return Array.isArray(value) ? value.flatMap(literalsOf) : [];
  });
}

function isName(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._:/-]*[A-Za-z0-9]$/.test(text) && !/-20\d\d$/.test(text);
}

/** Every model of every provider that this project has an id for, in the source's order. */
export async function loadGenaiPrices(): Promise<readonly SourceModel[]> {
  const { findProvider, calcPrice } = await import('@pydantic/genai-prices');
  const read = (sourceId: string, provider: string, partner: string | null): SourceModel[] => {
    const source = findProvider({ providerId: sourceId });
    if (source === undefined) return [];
    const resolvesTo = (name: string): string | null =>
      calcPrice({ input_tokens: 1 }, name, { providerId: sourceId })?.model.id ?? null;
    return source.models
      .filter((model) => provider !== 'gemini' || !model.id.startsWith('claude'))
      .map((model) => {
        const literals = partner === null ? literalsOf(model.match) : [];
        const names = new Set(
          literals.filter(
            (name) =>
              isName(name) &&
              name !== model.id &&
              !name.startsWith(`${provider}/`) &&
              !name.startsWith(`${provider}:`) &&
              resolvesTo(name) === model.id,
          ),
        );
        const list = Array.isArray(model.prices)
          ? model.prices.map((entry) => ({
              constraint: entry.constraint ?? null,
              prices: entry.prices,
            }))
          : [{ constraint: null, prices: model.prices }];
        return {
          provider,
          partner,
          model: model.id,
          names: [...names].sort(),
          contextWindow: model.context_window ?? null,
          prices: list,
        };
      });
  };
  return [
    ...Object.entries(PROVIDERS).flatMap(([sourceId, provider]) => read(sourceId, provider, null)),
    ...PARTNERS.flatMap((partner) => read(`huggingface_${partner}`, 'huggingface', partner)),
  ];
}
