/**
 * One piece of content from its quote to its bill, as a content platform makes it: an article, two pictures, an edit of one, the
 * narration, a clip with its progress. Everything runs on the funds that the quote holds; at the end the bill is compared with the
 * quote's arithmetic and with the provider's own log.
 *
 * @module
 */
import OpenAI, { toFile } from 'openai';
import { eventually, type Lab, type Reply } from '../support/lab.ts';
import { createCustomerKey, usageOf, verifyLedger } from '../support/running-gateway.ts';

/** One step of the content, as it was quoted and as it was booked. */
export interface WorkflowStep {
  readonly id: string;
  readonly model: string;
  readonly quotedMaxUsd: string;
  readonly confidence: string;
  readonly costUsd: string;
}

/** What the whole came to. */
export interface WorkflowReport {
  readonly steps: readonly WorkflowStep[];
  /** Progress of the clip in the order in which its events told it, from 0 to 100. */
  readonly progress: readonly number[];
  readonly totals: Readonly<Record<string, unknown>>;
  /** Sum of the steps, and of what the provider's log comes to at the quote's rates; in nano-USD. */
  readonly bookedNanoUsd: bigint;
  readonly providerNanoUsd: bigint;
  readonly openHolds: number;
  /** Whether the quote has anything left to give. */
  readonly isQuoteUsedUp: boolean;
}

const ARTICLE = 'Write a short article about lighthouses.';
const NARRATION = 'Lighthouses have guided ships home for two thousand years.';
const PRICES_USD = {
  inputToken: 100n,
  outputToken: 400n,
};

function nano(usd: string): bigint {
  const [whole = '0', fraction = ''] = usd.split('.');
  return BigInt(whole) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'));
}

interface QuotedOperation {
  readonly id: string;
  readonly allowed: boolean;
  readonly confidence: string;
  readonly cost: { readonly max: string };
}

interface Quote {
  readonly id: string;
  readonly can_proceed: boolean;
  readonly operations: readonly QuotedOperation[];
  readonly hold: { readonly token: string };
}

const OPERATIONS = [
  {
    id: 'article',
    type: 'text.generate',
    model: 'sim/chat',
    input: { chars: 400 },
    output: { max_tokens: 300 },
  },
  { id: 'pictures', type: 'image.generate', model: 'sim/image', image: { n: 2, size: '512x512' } },
  {
    id: 'edit',
    type: 'image.edit',
    model: 'sim/image-edit',
    image: { n: 1, size: '512x512' },
  },
  {
    id: 'narration',
    type: 'audio.speech',
    model: 'sim/speech',
    input: { chars: Array.from(NARRATION).length },
  },
  {
    id: 'clip',
    type: 'video.text_to_video',
    model: 'sim/video',
    video: { seconds: 4, size: '1280x720' },
  },
] as const;

/** Progress events of a job, until it ends. */
async function progressOf(lab: Lab, key: string, id: string): Promise<readonly number[]> {
  const reply = await fetch(`${lab.url}/v1/jobs/${id}/events`, {
    headers: { authorization: `Bearer ${key}` },
  });
  const told = (await reply.text()).split('\n').flatMap((line) => {
    if (!line.startsWith('data: ')) return [];
    const { progress } = JSON.parse(line.slice(6)) as { readonly progress?: unknown };
    return typeof progress === 'number' ? [progress] : [];
  });
  return told;
}

/** What the provider's log says it bills: tokens at their rates, everything else at what the quote asked for each piece. */
function providerNanoUsd(lab: Lab, perPiece: Readonly<Record<string, bigint>>): bigint {
  let sum = 0n;
  for (const { billed } of lab.simulator.log) {
    if (billed === null) continue;
    sum += BigInt(billed.inputTokens) * PRICES_USD.inputToken;
    sum += BigInt(billed.outputTokens) * PRICES_USD.outputToken;
  }
  const media = lab.simulator.log.flatMap(({ billed, path }) =>
    billed?.media === undefined ? [] : [{ media: billed.media, path }],
  );
  for (const { media: made, path } of media) {
    const images = BigInt(made.images ?? 0);
    sum += images * (perPiece[path.includes('/edits') ? 'edit' : 'pictures'] ?? 0n);
    if (made.characters !== undefined) sum += perPiece['narration'] ?? 0n;
  }
  for (const job of lab.simulator.jobs()) if (job.isBilled) sum += perPiece['clip'] ?? 0n;
  return sum;
}

function costOf(headers: Headers): string {
  return headers.get('x-gateway-cost') ?? '';
}

/**
 * Runs it on a lab whose `sim/…` is its own simulator.
 *
 * @throws Error where the quote does not allow it, or a step fails
 */
export async function runWorkflow(lab: Lab): Promise<WorkflowReport> {
  const customer = await createCustomerKey(lab.gateway);
  const { apiKey } = customer;
  const reply: Reply = await lab.call('/v1/quotes', {
    key: apiKey,
    body: { operations: OPERATIONS, hold: { mode: 'all_or_nothing', ttl_s: 600 } },
  });
  const quote = reply.json as unknown as Quote;
  if (!quote.can_proceed) throw new Error(`the quote refuses: ${reply.text}`);
  const client = new OpenAI({ baseURL: `${lab.url}/v1`, apiKey, maxRetries: 0 });
  const on = (id: string) => ({ headers: { 'x-gateway-quote': `${quote.hold.token};op=${id}` } });
  const costs: Record<string, string> = {};

  const article = await client.chat.completions
    .create(
      { model: 'sim/chat', max_tokens: 300, messages: [{ role: 'user', content: ARTICLE }] },
      on('article'),
    )
    .withResponse();
  costs['article'] = costOf(article.response.headers);

  const pictures = await client.images
    .generate({ model: 'sim/image', prompt: 'a lighthouse', n: 2, size: '512x512' }, on('pictures'))
    .withResponse();
  costs['pictures'] = costOf(pictures.response.headers);
  const first = Buffer.from(pictures.data.data?.[0]?.b64_json ?? '', 'base64');

  const image = await toFile(first, 'lighthouse.png', { type: 'image/png' });
  const edited = await client.images
    .edit({ model: 'sim/image-edit', prompt: 'add a boat', image, size: '512x512' }, on('edit'))
    .withResponse();
  costs['edit'] = costOf(edited.response.headers);

  const narration = await client.audio.speech
    .create({ model: 'sim/speech', voice: 'alloy', input: NARRATION }, on('narration'))
    .withResponse();
  await narration.data.arrayBuffer();

  const clip = await client.videos.create(
    { model: 'sim/video' as never, prompt: 'waves sim:takes=400', seconds: '4', size: '1280x720' },
    on('clip'),
  );
  const progress = await progressOf(lab, apiKey, clip.id);
  let job: Readonly<Record<string, unknown>> = {};
  await eventually(async () => {
    job = (await lab.call(`/v1/jobs/${clip.id}`, { key: apiKey })).json;
    return job['status'] !== 'queued' && job['status'] !== 'running';
  });
  if (job['status'] !== 'succeeded') throw new Error(`the clip ${String(job['status'])}`);
  const content = await client.videos.downloadContent(clip.id);
  if ((await content.arrayBuffer()).byteLength === 0) throw new Error('the clip is empty');
  costs['clip'] = String(job['cost']);

  const { totals } = await usageOf(lab.gateway, customer.externalId);
  const total = nano(String(totals['cost_usd']));
  const known = Object.values(costs).reduce((sum, cost) => sum + nano(cost), 0n);
  // The head of a stream of sound leaves before its cost is known: it stands in the usage.
  const narrated = (total - known).toString().padStart(10, '0');
  costs['narration'] = `${narrated.slice(0, -9)}.${narrated.slice(-9)}`;
  const quoted = new Map(quote.operations.map((operation) => [operation.id, operation]));
  const maxOf = (id: string): bigint => nano(quoted.get(id)?.cost.max ?? '0');
  const again = await lab.call('/v1/images/edits', {
    key: apiKey,
    headers: on('edit').headers,
    body: {
      model: 'sim/image-edit',
      prompt: 'once more',
      image: `data:image/png;base64,${first.toString('base64')}`,
    },
  });
  const ledger = await verifyLedger(lab.gateway);
  return {
    steps: OPERATIONS.map(({ id, model }) => ({
      id,
      model,
      quotedMaxUsd: quoted.get(id)?.cost.max ?? '',
      confidence: quoted.get(id)?.confidence ?? '',
      costUsd: costs[id] ?? '',
    })),
    progress,
    totals,
    bookedNanoUsd: total,
    providerNanoUsd: providerNanoUsd(lab, {
      pictures: maxOf('pictures') / 2n,
      edit: maxOf('edit'),
      narration: maxOf('narration'),
      clip: maxOf('clip'),
    }),
    openHolds: ledger.open_holds,
    isQuoteUsedUp: again.status === 422,
  };
}
