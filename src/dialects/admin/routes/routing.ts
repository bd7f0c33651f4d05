/**
 * Providers, and where a call would go.
 *
 * @module
 */
import { z } from 'zod';
import { GatewayError } from '../../../contracts/gateway-error.ts';
import { OPERATIONS } from '../../../contracts/metering.ts';
import type { ProviderView, RouteCandidate } from '../../../gateway/route-view.ts';
import { adminRoute, type AdminRoute } from '../admin-route.ts';
import { formatTimeOrNull, listSchema, pageInMemory, pageQuery, timeSchema } from '../shapes.ts';

const providerSchema = z
  .strictObject({
    id: z.string(),
    title: z.string(),
    base_url: z.string(),
    credential: z.enum(['set', 'none']).describe('Never shown.'),
    simulated: z.boolean(),
    documentation: z.string(),
    operations: z.array(z.enum(OPERATIONS)).describe('On some of its models.'),
    models: z.int().describe('Models with a price.'),
    quarantined: z
      .enum(['auth', 'credit'])
      .nullable()
      .describe('The provider refused the credential, or has no credit: it is spared for a while.'),
  })
  .meta({ id: 'Provider' });

function showProvider(provider: ProviderView): z.input<typeof providerSchema> {
  const { baseUrl, hasCredential, operations, ...rest } = provider;
  return {
    ...rest,
    base_url: baseUrl,
    credential: hasCredential ? 'set' : 'none',
    operations: [...operations],
  };
}

const candidateSchema = z.strictObject({
  provider: z.string(),
  model: z.string(),
  state: z
    .enum(['ready', 'cannot', 'unpriced', 'cooled', 'open', 'quarantined'])
    .describe(
      '`cannot`: not this operation; `cooled`: the provider asked to wait; `open`: too many failures; `quarantined`: its credential is refused.',
    ),
  until: timeSchema.nullable().describe('When it may be called again.'),
  price: z.string().nullable().describe('Price item that it is charged by, rules apart.'),
});

function showCandidate(candidate: RouteCandidate): z.input<typeof candidateSchema> {
  const { provider, model, state, untilMs, priceId } = candidate;
  return { provider, model, state, until: formatTimeOrNull(untilMs), price: priceId };
}

/** `/providers` and `/routing/explain`. */
export const routingRoutes: readonly AdminRoute[] = [
  adminRoute({
    method: 'get',
    path: '/providers',
    operationId: 'listProviders',
    summary: 'List configured providers: what they do, and whether their credential works',
    tag: 'catalogue',
    query: z.strictObject(pageQuery),
    reply: listSchema(providerSchema),
    async handle({ query }, { routing }) {
      const page = pageInMemory(routing.providers(), ({ id }) => id, query);
      return { data: page.data.map(showProvider), next_cursor: page.next_cursor };
    },
  }),
  adminRoute({
    method: 'post',
    path: '/routing/explain',
    operationId: 'explainRoute',
    summary: 'See where a call would go now',
    description:
      'The candidates of a model or an alias in the order in which they are tried, and why one is passed over. Calls nobody.',
    tag: 'catalogue',
    body: z.strictObject({
      model: z.string().min(1).max(512),
      operation: z.enum(OPERATIONS).optional().describe('`text.generate` by default.'),
    }),
    example: { model: 'gemini/gemini-2.5-flash' },
    reply: z
      .strictObject({
        model: z.string(),
        operation: z.enum(OPERATIONS),
        resolved_from: z.enum(['model', 'name', 'alias']),
        candidates: z.array(candidateSchema),
      })
      .meta({ id: 'RouteExplanation' }),
    errors: ['model_not_found'],
    async handle({ body }, { routing }) {
      const { model, operation = 'text.generate' } = body;
      const found = routing.explain(model, operation);
      if (found === null) {
        throw new GatewayError('model_not_found', {
          message: `The model "${model.slice(0, 200)}" is not known here. GET /admin/v1/models lists all.`,
          param: 'model',
        });
      }
      const { resolvedFrom, candidates } = found;
      return {
        model,
        operation,
        resolved_from: resolvedFrom,
        candidates: candidates.map(showCandidate),
      };
    },
  }),
];
