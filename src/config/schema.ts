/**
 * Every setting of the process. `docs/config.md` and `/schema/gateway.json` are generated from here.
 *
 * Business entities (customers, keys, plans) are no settings: they live in the database and are managed
 * through the admin API.
 *
 * @module
 */
import { z } from 'zod';
import { createPriceItem } from '../catalog/price-item.ts';
import { priceRowSchema } from '../catalog/price-row.ts';
import { limitSchema } from '../contracts/metering.ts';
import { checkLimits } from '../metering/core/check-limits.ts';
import { compileDeploymentLimits } from '../metering/core/compiled-plan.ts';
import { isGatewayError } from '../contracts/gateway-error.ts';
import { alertsSchema, egressSchema } from './alerts-schema.ts';
import { assetsSchema } from './assets-schema.ts';
import { factsSchema } from './facts-schema.ts';
import { moderationSchema } from './moderation-schema.ts';
import { jobsSchema } from './jobs-schema.ts';
import { holdsSchema } from './holds-schema.ts';
import { choice, durationMs, integer, keptDays, sizeBytes, text, truth } from './setting-types.ts';

const SECOND = 1000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const KIB = 1024;
const MIB = 1024 * KIB;

const PLAN_ID_PATTERN = /^[a-z0-9][a-z0-9_-]{0,63}$/;
const timer = () => durationMs({ min: 10, max: DAY });

const loggingSchema = z
  .strictObject({
    level: choice(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
      .prefault('info')
      .describe('Least severe level that is logged.'),
    prompts: truth()
      .prefault(false)
      .describe(
        'Log prompts and answers. Off by default: they are personal data and belong to the customers.',
      ),
  })
  .prefault({})
  .describe('What is written to the log.');

const bodySizesSchema = z
  .strictObject({
    chat: sizeBytes({ min: KIB, max: 1024 * MIB })
      .prefault('32mb')
      .describe('Text generation routes, whose prompts may hold images and files.'),
    image: sizeBytes({ min: KIB, max: 1024 * MIB })
      .prefault('64mb')
      .describe('Routes of pictures, whose bodies may hold several.'),
    audio: sizeBytes({ min: KIB, max: 1024 * MIB })
      .prefault('32mb')
      .describe('Routes of sound, whose bodies may hold a recording.'),
    admin: sizeBytes({ min: KIB, max: 64 * MIB })
      .prefault('1mb')
      .describe('The control plane.'),
  })
  .prefault({})
  .describe('Largest request body by family of routes; a larger one is refused with 413.');

const limitsSchema = z
  .strictObject({
    maxBodyBytes: bodySizesSchema,
    maxJsonDepth: integer({ min: 8, max: 1000 })
      .prefault(128)
      .describe('Deepest nesting of objects and arrays in a request body.'),
    maxHeaderBytes: sizeBytes({ min: 4 * KIB, max: MIB })
      .prefault('16kb')
      .describe('Largest block of request headers.'),
    maxReplyBytes: sizeBytes({ min: 64 * KIB, max: 1024 * MIB })
      .prefault('64mb')
      .describe('Largest whole answer of a provider, after decompression.'),
    maxInFlight: integer({ min: 1, max: 100_000 })
      .prefault(2000)
      .describe(
        'Calls in progress in this process; beyond it new ones are refused with 503 overloaded.',
      ),
  })
  .prefault({})
  .describe('Bounds that protect the process. Limits of customers are part of their plans.');

const totalsSchema = z
  .strictObject({
    textMs: timer().prefault('600s').describe('A text call that is answered as a whole.'),
    streamMs: timer().prefault('3600s').describe('A streamed call, from request to last event.'),
  })
  .prefault({})
  .describe('Longest duration of a whole call, all attempts included.');

const timeoutsSchema = z
  .strictObject({
    connectMs: timer()
      .prefault('5s')
      .describe(
        'Connecting to a provider, TLS included. Nothing was sent: another attempt is safe.',
      ),
    firstEventMs: timer()
      .prefault('120s')
      .describe('Headers and first content of a provider, when no other candidate is left.'),
    firstEventWithFallbackMs: timer()
      .prefault('30s')
      .describe('The same while another candidate could be asked instead.'),
    betweenEventsMs: timer()
      .prefault('30s')
      .describe('Longest silence between two events of a provider’s stream.'),
    total: totalsSchema,
    clientWriteStallMs: timer()
      .prefault('60s')
      .describe('A client that accepts no bytes for this long is treated as gone.'),
    requestHeadersMs: timer()
      .prefault('20s')
      .describe('Time in which a client must have sent its headers; then 408.'),
    requestBodyMs: timer()
      .prefault('300s')
      .describe('Time in which a client must have sent its whole request; then 408.'),
  })
  .prefault({})
  .describe(
    'How long to wait for what. `x-gateway-timeout-ms` of a request can only shorten the total.',
  );

const providerSchema = z
  .strictObject({
    enabled: truth()
      .prefault(true)
      .describe('`false` switches the provider off, even with a key in the environment.'),
    apiKey: text(4096)
      .optional()
      .meta({ 'x-secret': true })
      .describe(
        'Credential. Write `${NAME}` or `${file:/run/secrets/name}` rather than the key itself.',
      ),
    baseUrl: text(2048)
      .optional()
      .describe(
        'Replaces the origin and path before the API version; a version at its end is dropped.',
      ),
    settings: z
      .record(z.string().min(1).max(100), text(4096).meta({ 'x-secret': true }))
      .prefault({})
      .describe('Further settings that the provider documents, name to text.'),
  })
  .describe('One provider. What the environment holds wins over what stands here.');

const aliasSchema = z.strictObject({
  alias: text(200)
    .regex(/^[A-Za-z0-9][A-Za-z0-9._:-]*$/, {
      error:
        'must be letters, digits and . _ : - (no slash: that is how provider/model is told apart)',
    })
    .describe('Name that clients send as `model`.'),
  candidates: z
    .array(
      text(300).regex(/^[a-z0-9][a-z0-9-]*\/\S+$/, {
        error: 'must be "provider/model", such as "gemini/gemini-2.5-flash"',
      }),
    )
    .min(1, { error: 'must name at least one "provider/model"' })
    .max(20, { error: 'must name at most 20' })
    .describe('`provider/model` in order of preference; later ones are fallbacks.'),
});

const billingSchema = z
  .strictObject({
    stripe: z
      .strictObject({
        webhookSecret: z
          .string()
          .max(500)
          .prefault('')
          .meta({ 'x-secret': true, 'x-kind': 'text' })
          .describe(
            'Signing secret of the webhook endpoint (`whsec_…`); without it `POST /webhooks/stripe` does not exist.',
          ),
        prices: z
          .record(z.string().min(1).max(255), text(64))
          .prefault({})
          .describe(
            'Plan ids by price id, lookup key or product id; a price that is not named stands for the plan of its own name.',
          ),
        graceMs: durationMs({ min: 0, max: 365 * DAY })
          .prefault('7d')
          .describe('How long a subscription may go on calling after a payment has failed.'),
        unknownCustomer: choice(['refuse', 'create'])
          .prefault('refuse')
          .describe(
            'A customer who does not exist: `refuse` answers 404, so that Stripe sends the event again later; `create` makes one on the plan of the price.',
          ),
        customerKey: text(40)
          .prefault('gateway_customer')
          .describe('Member of a subscription’s `metadata` that names the customer.'),
      })
      .prefault({})
      .describe('Subscriptions that are paid through Stripe.'),
  })
  .prefault({})
  .describe('Payment systems that drive subscriptions.');

/** A price row that contradicts itself is found when it is read, not when a call would need it. */
const priceSchema = priceRowSchema.superRefine((row, context) => {
  try {
    createPriceItem(row, '');
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    context.addIssue({ code: 'custom', message: error.message, input: row });
  }
});

const deploymentLimitSchema = limitSchema
  .extend({
    scope: z
      .string()
      .regex(/^(deployment|provider:[a-z0-9][a-z0-9-]{0,63})$/, {
        error: 'must be "deployment" or "provider:<id>"',
      })
      .prefault('deployment')
      .describe('`deployment`, or `provider:<id>` for calls of one provider.'),
  })
  .superRefine((limit, context) => {
    try {
      compileDeploymentLimits([limit]);
      checkLimits([limit]);
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      context.addIssue({ code: 'custom', message: error.message, input: limit });
    }
  });

const autoCreateSchema = z
  .union([z.string(), z.boolean()], { error: 'must be a plan id, or false' })
  .transform((value, context): string | false => {
    if (value === false || value === 'false' || value === 'off') return false;
    if (typeof value === 'string' && PLAN_ID_PATTERN.test(value) && value !== 'true') return value;
    context.addIssue({ code: 'custom', message: 'must be a plan id, or false', input: value });
    return z.NEVER;
  })
  .meta({ 'x-kind': 'text' });

/** `gateway.yaml`, as parsed: defaults filled in, durations in milliseconds, sizes in bytes. */
export const configSchema = z.strictObject({
  $schema: z.string().optional().describe('Address of this schema, for editors.'),
  host: text(255)
    .prefault('127.0.0.1')
    .describe('Address to listen on. `0.0.0.0` opens the gateway to the network.'),
  port: integer({ min: 0, max: 65_535 })
    .prefault(8790)
    .describe('Port to listen on; 0 takes any free one.'),
  dataDir: text(4096)
    .prefault('./data')
    .describe('Folder of the database and of `credentials.json`.'),
  workers: integer({ min: 1, max: 64 }).prefault(1).describe('Processes that answer requests.'),
  durability: choice(['process', 'power'])
    .prefault('process')
    .describe(
      '`process`: what is booked survives a killed process; a power cut may undo the last commits. `power`: it survives a power cut too, at the price of a disk flush a commit.',
    ),
  simulators: choice(['auto', 'on', 'off'])
    .prefault('auto')
    .describe('Built-in simulated models `sim/…`. `auto`: on while no provider is configured.'),
  drainTimeoutMs: durationMs({ min: 0, max: HOUR })
    .prefault('30s')
    .describe('How long running calls may go on after SIGTERM.'),
  unknownParameters: choice(['forward', 'refuse'])
    .prefault('forward')
    .describe(
      'Members of a request that the gateway does not know: `forward` passes them to a provider of the same protocol, `refuse` answers 400 with their path.',
    ),
  logging: loggingSchema,
  limits: limitsSchema,
  timeouts: timeoutsSchema,
  stream: z
    .strictObject({
      commit: choice(['first_event', 'complete'])
        .prefault('first_event')
        .describe(
          'When a streamed answer is released: `first_event` at once; `complete` holds it back until it is whole, so that a break can still lead to another candidate.',
        ),
      keepaliveMs: durationMs({ min: SECOND, max: HOUR })
        .prefault('15s')
        .describe('Silence after which a comment keeps the connection alive.'),
      headersAfterMs: durationMs({ min: SECOND, max: HOUR })
        .prefault('15s')
        .describe(
          'Response headers wait this long for the first event, so that an early failure keeps its status.',
        ),
    })
    .prefault({})
    .describe('Streamed answers.'),
  metering: z
    .strictObject({
      unknownPolicy: choice(['charge_observed', 'charge_hold', 'release'])
        .prefault('charge_observed')
        .describe(
          'What becomes of a call whose outcome a crash has hidden: charge what was seen (the input and the answer so far), the whole hold, or nothing.',
        ),
      unknownGraceMs: durationMs({ min: 0, max: 7 * DAY })
        .prefault('15m')
        .describe('How long such a call keeps its hold before the policy applies.'),
      holds: holdsSchema,
      limits: z
        .array(deploymentLimitSchema)
        .max(100)
        .prefault([])
        .describe(
          'Limits over all customers together, in the shape of a plan’s limits: of the whole deployment, or with `scope: provider:<id>` of one provider. Days, weeks and periods (months) are those of UTC.',
        ),
    })
    .prefault({})
    .describe('Booking of calls.'),
  alerts: alertsSchema,
  egress: egressSchema,
  assets: assetsSchema,
  moderation: moderationSchema,
  jobs: jobsSchema,
  customers: z
    .strictObject({
      autoCreate: autoCreateSchema
        .prefault(false)
        .describe(
          'Plan id on which a customer that a service key names for the first time is created; `false` answers 404 instead.',
        ),
    })
    .prefault({})
    .describe('Customers.'),
  retention: z
    .strictObject({
      requestsDays: keptDays()
        .prefault(false)
        .describe(
          'Days for which rows of the request log are kept, or `false`: for ever. Usage and ledger are not touched.',
        ),
      jobsDays: keptDays()
        .prefault(false)
        .describe(
          'Days for which jobs that have ended are kept, or `false`: as long as what they made (`assets.expireAfterDays`). What they made, usage and ledger are not touched.',
        ),
    })
    .prefault({})
    .describe('How long records are kept.'),
  billing: billingSchema,
  models: z
    .strictObject({
      aliases: z
        .array(aliasSchema)
        .max(1000)
        .prefault([])
        .describe('Names for models and for fallback lists.'),
      prices: z
        .array(priceSchema)
        .max(10_000)
        .prefault([])
        .describe(
          'Prices of models that the price book lacks, such as self-hosted ones, or has otherwise: all rows of a model that is named here replace the built-in ones.',
        ),
      facts: z
        .array(factsSchema)
        .max(10_000)
        .prefault([])
        .describe(
          'What models can take, where it is not known or otherwise, such as the context of a self-hosted one: a call that names no maximum asks for no more than `maxOutputTokens`, nor than half of `contextWindow`.',
        ),
    })
    .prefault({})
    .describe('Names, prices and sizes of models.'),
  providers: z
    .record(
      z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, { error: 'must be a provider id' }),
      providerSchema,
    )
    .prefault({})
    .describe('Settings by provider id, such as `openai`.'),
});

/** The settings in force. */
export type GatewayConfig = z.output<typeof configSchema>;
/** Settings of one provider. */
export type ProviderSettings = GatewayConfig['providers'][string];
