/**
 * What the process runs with: settings and models.
 *
 * @module
 */
import { z } from 'zod';
import { USAGE_UNITS } from '../../../contracts/usage.ts';
import { adminRoute, type AdminRoute } from '../admin-route.ts';
import type { ShownModel } from '../dependencies.ts';
import { listSchema, pageInMemory, pageQuery, usdSchema } from '../shapes.ts';

const configReplySchema = z
  .strictObject({
    file: z.string().nullable(),
    settings: z.record(z.string(), z.unknown()).describe('Secrets are redacted.'),
    origins: z
      .record(z.string(), z.string())
      .describe('By dotted path: `gateway.yaml:12`, a variable, a flag or `default`.'),
    warnings: z.array(z.string()),
    durability: z.string().describe('What a crash or a power cut can undo.'),
  })
  .meta({ id: 'Config' });

const ratesSchema = z.partialRecord(z.enum(USAGE_UNITS), usdSchema);

const modelSchema = z
  .strictObject({
    id: z.string().describe('`provider/model`, or an alias.'),
    provider: z.string(),
    candidates: z.array(z.string()).nullable().describe('Of an alias, in order of preference.'),
    context_window: z.int().nullable(),
    max_output_tokens: z.int().nullable(),
    input: z.array(z.string()).nullable(),
    output: z.array(z.string()).nullable(),
    capabilities: z.array(z.string()).nullable(),
    usd_per_million: ratesSchema,
  })
  .meta({ id: 'AdminModel' });

const providerQuery = { provider: z.string().min(1).max(100).optional() };

function showModel(model: ShownModel): z.input<typeof modelSchema> {
  const { facts } = model;
  const copy = (names: readonly string[] | null) => (names === null ? null : [...names]);
  return {
    id: model.id,
    provider: model.ownedBy,
    candidates: copy(model.candidates),
    context_window: facts.contextWindow,
    max_output_tokens: facts.maxOutputTokens,
    input: copy(facts.input),
    output: copy(facts.output),
    capabilities: copy(facts.capabilities),
    usd_per_million: model.usdPerMillion,
  };
}

/** `/config` and `/models`. */
export const processRoutes: readonly AdminRoute[] = [
  adminRoute({
    method: 'get',
    path: '/config',
    operationId: 'getConfig',
    summary: 'Settings in force, with the origin of each',
    tag: 'process',
    reply: configReplySchema,
    async handle(_input, { config, store }) {
      const shown = config();
      return {
        file: shown.file,
        settings: { ...shown.settings },
        origins: { ...shown.origins },
        warnings: [...shown.warnings],
        durability: store.durability,
      };
    },
  }),
  adminRoute({
    method: 'get',
    path: '/models',
    operationId: 'listAllModels',
    summary: 'List models and aliases',
    tag: 'catalogue',
    query: z.strictObject({ ...pageQuery, ...providerQuery }),
    reply: listSchema(modelSchema),
    async handle({ query }, { catalogue, now }) {
      const models = catalogue
        .list(now())
        .filter((model) => query.provider === undefined || model.ownedBy === query.provider);
      const page = pageInMemory(models, (model) => model.id, query);
      return { data: page.data.map(showModel), next_cursor: page.next_cursor };
    },
  }),
];
