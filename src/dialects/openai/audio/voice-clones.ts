/**
 * `POST /v1/audio/voices`: a voice from recordings of somebody who agreed. The consent is on record before a provider is
 * asked, whatever comes of it.
 *
 * @module
 */
import { hash } from 'node:crypto';
import { z } from 'zod';
import { isJobExchange, type JobExchange } from '../../../contracts/job-provider.ts';
import { ProviderFailureError, providerFailure } from '../../../contracts/provider-failure.ts';
import type { ProviderDefinition } from '../../../contracts/provider.ts';
import type { ProviderTarget } from '../../../contracts/wire.ts';
import type { VoiceCloneResult } from '../../../contracts/voice-provider.ts';
import type { Dialect, ParseContext, RequestOrigin } from '../../../gateway/dialect.ts';
import type {
  FinishedJob,
  OperationAnswer,
  OperationCall,
} from '../../../gateway/operation-call.ts';
import type {
  MadeVoice,
  NewVoice,
  VoiceConsent,
  VoiceRecords,
} from '../../../metering/voice-port.ts';
import { invalidRequest } from '../../validation.ts';
import { openAiError, openAiErrorFrame } from '../errors.ts';
import { MediaReceiver, readMediaBody, type ReceivedMedia } from '../media-body.ts';
import { costOf } from '../receipt-usage.ts';
import { optionsFor } from '../provider-options.ts';
import { assertForeground, checked, present, unknownMembers } from '../request-fields.ts';
import { unstreamed } from '../unstreamed.ts';
import { showOwnVoice } from './voice-shape.ts';

const SAMPLES_MAX = 25;

const consentSchema = z.strictObject({
  given: z.literal(true),
  by: z.string().min(1).max(200).describe('Whose voice it is, and who agreed.'),
  statement: z.string().max(10_000).optional().describe('What was agreed to.'),
});

export const voiceCloneSchema = z.looseObject({
  model: z.string().min(1).describe('`provider/model` or an alias.'),
  name: z.string().min(1).max(200),
  description: z.string().max(1000).nullish(),
  text: z.string().max(5000).nullish().describe('What it says as a trial, where the model does.'),
  consent: consentSchema
    .optional()
    .describe(
      'That whoever is heard agrees: required. It is kept, with the key that said so, the time, and the SHA-256 of the recordings; in a form as JSON.',
    ),
  provider_options: z
    .record(z.string(), z.record(z.string(), z.unknown()))
    .nullish()
    .describe('Options of one provider’s own, under its id; sent as they are.'),
});

/** What was declared, to these recordings. @throws GatewayError `invalid_request` without a consent */
function consentOf(
  { consent }: z.infer<typeof voiceCloneSchema>,
  samples: readonly ReceivedMedia[],
): Pick<VoiceConsent, 'by' | 'statement' | 'samples'> {
  if (consent !== undefined) {
    return {
      by: consent.by,
      statement: consent.statement ?? null,
      samples: samples.map(({ input }) => hash('sha256', input.bytes, 'hex')),
    };
  }
  throw invalidRequest(
    'consent',
    'is missing: a voice is made only of somebody who agrees. Send {"given": true, "by": "<whose voice it is>"}.',
  );
}

function voiceAnswer(
  result: VoiceCloneResult,
  { voice, made, records }: { voice: NewVoice; made: MadeVoice; records: VoiceRecords },
): OperationAnswer {
  return {
    facts: result,
    contentType: 'application/json',
    warnings: [],
    store: () => records.made(voice.id, made),
    render: (receipt) =>
      Buffer.from(JSON.stringify({ ...showOwnVoice(voice, made), usage: costOf(receipt) })),
  };
}

/** The voice that a job has made. @throws ProviderFailureError for a job that ended without one */
function voiceOf({ voiceId, facts }: FinishedJob, submitted: JobExchange): VoiceCloneResult {
  const made = voiceId ?? submitted.voiceId;
  if (made !== undefined) return { ...facts, voiceId: made };
  throw new ProviderFailureError(
    providerFailure({
      kind: 'malformed_reply',
      status: 200,
      message: 'The provider ended the work without a voice.',
    }),
  );
}

async function parseClone(
  body: Buffer,
  context: ParseContext,
  origin: RequestOrigin,
): Promise<OperationCall> {
  const received = await readMediaBody(
    body,
    { context, origin },
    {
      samples: { max: SAMPLES_MAX, alias: 'sample' },
    },
  );
  const request = checked(voiceCloneSchema, received.members);
  assertForeground(received.members);
  // Before anything is fetched.
  consentOf(request, []);
  const named = received.media['samples'] ?? [];
  const receiver = new MediaReceiver(context, origin, context.settings.maxAudioBodyBytes);
  const media = await receiver.receiveAll(named, ['audio', 'video']);
  const consent = consentOf(request, media);
  const [first, ...others] = media.map(({ input }) => ({ type: 'bytes', ...input }) as const);
  if (first === undefined) throw invalidRequest('samples', 'are missing: a recording is needed.');
  const records = context.store.voices;
  let voice: NewVoice | null = null;
  return {
    kind: 'operation',
    operation: 'audio.clone_voice',
    work: 'media',
    model: request.model,
    stream: false,
    streamType: null,
    spec: {
      operation: 'audio.clone_voice',
      audio: { chars: Array.from(request.text ?? '').length },
    },
    serviceTier: null,
    unknownParameters: unknownMembers(voiceCloneSchema, received.members),
    async begin({ ids, clock }, { caller, exchange }) {
      voice = {
        id: ids.next('voice'),
        customerId: caller.customer.id,
        name: request.name,
        description: request.description ?? null,
        consent: { ...consent, atMs: clock.nowMs(), keyId: caller.key.id },
        requestId: exchange.requestId,
      };
      await records.add(voice);
    },
    prepare(definition: ProviderDefinition, target: ProviderTarget) {
      const { name, description = null, text = null } = request;
      const extra = optionsFor(request.provider_options, definition.id);
      const options = { samples: [first, ...others], name, description, text, extra } as const;
      const exchange = present(definition.voiceClone).cloneVoice(options, target);
      const answer = (result: VoiceCloneResult): OperationAnswer => {
        const consented = voice;
        if (consented === null) throw new Error('a voice is made after its consent is on record');
        const made = { provider: definition.id, model: target.model, voiceId: result.voiceId };
        return voiceAnswer(result, { voice: consented, made, records });
      };
      if (isJobExchange(exchange)) {
        return { submission: exchange, answer: (finished) => answer(voiceOf(finished, exchange)) };
      }
      return {
        request: exchange.request,
        warnings: exchange.warnings,
        read: (reply) => answer(exchange.read(reply)),
        open: unstreamed,
      };
    },
  };
}

export const voiceClonesDialect: Dialect = {
  operation: 'audio.clone_voice',
  bodies: 'json_or_form',
  maxBodyBytes: (settings) => settings.maxAudioBodyBytes,
  parse: parseClone,
  renderError: openAiError,
  errorFrame: openAiErrorFrame,
};
