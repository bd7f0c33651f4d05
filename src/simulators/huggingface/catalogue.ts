/**
 * The router's list of models with the price, latency and throughput of every sub-provider
 * (https://huggingface.co/docs/inference-providers): invented numbers of the documented shape, $ per million tokens.
 *
 * @module
 */

interface SubProvider {
  readonly provider: string;
  readonly input: number;
  readonly output: number;
  readonly firstTokenMs: number;
  readonly throughput: number;
}

const MODELS: Readonly<Record<string, readonly SubProvider[]>> = {
  'simulated/chat': [
    { provider: 'together', input: 0.1, output: 0.3, firstTokenMs: 210, throughput: 95 },
    { provider: 'groq', input: 0.15, output: 0.45, firstTokenMs: 90, throughput: 410 },
  ],
  'openai/gpt-oss-120b': [
    { provider: 'cerebras', input: 0.25, output: 0.69, firstTokenMs: 120, throughput: 900 },
    { provider: 'novita', input: 0.05, output: 0.25, firstTokenMs: 480, throughput: 70 },
  ],
  'meta-llama/Llama-3.3-70B-Instruct': [
    { provider: 'sambanova', input: 0.6, output: 1.2, firstTokenMs: 260, throughput: 280 },
    { provider: 'nebius', input: 0.13, output: 0.4, firstTokenMs: 510, throughput: 40 },
  ],
};

const POLICIES: ReadonlySet<string> = new Set(['fastest', 'cheapest', 'preferred']);
const PROVIDERS: ReadonlySet<string> = new Set([
  ...Object.values(MODELS).flatMap((providers) => providers.map((entry) => entry.provider)),
  'hf-inference',
  'fireworks-ai',
  'hyperbolic',
  'nscale',
  'scaleway',
]);

/** `org/name:suffix` taken apart; null for a suffix that is neither a policy nor a provider. */
export function splitSuffix(
  model: string,
): { readonly base: string; readonly suffix: string | null } | null {
  const at = model.lastIndexOf(':');
  if (at < 0) return { base: model, suffix: null };
  const suffix = model.slice(at + 1);
  if (!POLICIES.has(suffix) && !PROVIDERS.has(suffix)) return null;
  return { base: model.slice(0, at), suffix };
}

function modelObject(id: string, providers: readonly SubProvider[]): object {
  return {
    id,
    object: 'model',
    created: 1_767_225_600,
    owned_by: id.split('/')[0],
    architecture: { input_modalities: ['text'], output_modalities: ['text'] },
    providers: providers.map((entry) => ({
      provider: entry.provider,
      status: 'live',
      context_length: 131_072,
      pricing: { input: entry.input, output: entry.output },
      supports_tools: true,
      supports_structured_output: true,
      first_token_latency_ms: entry.firstTokenMs,
      throughput: entry.throughput,
      is_model_author: false,
    })),
  };
}

/** `GET /v1/models`. */
export function modelList(): object {
  const data = Object.entries(MODELS).map(([id, providers]) => modelObject(id, providers));
  return { object: 'list', data };
}
