/**
 * Routes of pictures, sound and embeddings as OpenAPI describes them.
 *
 * @module
 */
import { z } from 'zod';
import type { ErrorCode } from '../contracts/error-codes.ts';
import { SPEECH_MEDIA_TYPES } from '../contracts/speech-provider.ts';
import {
  transcriptionFormSchema,
  transcriptionJsonSchema,
} from '../dialects/openai/audio/transcriptions.ts';
import { speechSchema } from '../dialects/openai/audio/speech.ts';
import { embeddingsSchema } from '../dialects/openai/embeddings.ts';
import {
  imageEditFormSchema,
  imageEditJsonSchema,
  imageGenerationSchema,
} from '../dialects/openai/images/schema.ts';
import { CALL_HEADERS, PROVIDER_REPLY_HEADERS } from './data-plane-headers.ts';
import { embeddingsReplySchema, imagesReplySchema, transcriptReplySchema } from './operation-shapes.ts';
import { imageEventsSchema, speechEventsSchema, transcriptEventsSchema } from './event-shapes.ts';
import { textOperationRoutes } from './text-operation-routes.ts';
import { pictureRoutes } from './picture-routes.ts';
import type { RouteBody, RouteDescription } from './route-description.ts';

const sound = z.string().describe('The bytes of the file, as they are made.');

/** Whole, or as events where the request has `"stream": true`. */
function pictures(events: z.ZodType): Operation['content'] {
  return {
    'application/json': { schema: imagesReplySchema },
    'text/event-stream': { schema: events },
  };
}

const transcript: Operation['content'] = {
  'application/json': { schema: transcriptReplySchema },
  'text/plain': { schema: z.string().describe('`text`, `srt` or `vtt`.') },
};
const recording: RouteBody = {
  schema: transcriptionFormSchema.meta({ id: 'TranscriptionForm' }),
  contentType: 'multipart/form-data',
  otherContent: {
    'application/json': { schema: transcriptionJsonSchema.meta({ id: 'TranscriptionRequest' }) },
  },
  required: true,
};

interface Operation {
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly tag: string;
  readonly body: RouteBody;
  readonly content: RouteDescription['reply']['content'];
}

function operation({ content, ...route }: Operation, errors: readonly ErrorCode[]): RouteDescription {
  return {
    method: 'post',
    access: 'data',
    headers: CALL_HEADERS,
    ...route,
    reply: { status: 200, description: 'Done.', content, headers: PROVIDER_REPLY_HEADERS },
    errors,
  };
}

/** @param errors codes of every call that is judged, dispatched and booked */
export function operationRouteDescriptions(
  errors: readonly ErrorCode[],
): readonly RouteDescription[] {
  const routes: readonly Operation[] = [
    {
      path: '/v1/embeddings',
      operationId: 'createEmbeddings',
      summary: 'Embed texts',
      description: 'OpenAI’s embeddings: one vector for each input, in their order.',
      tag: 'text',
      body: {
        schema: embeddingsSchema.meta({ id: 'EmbeddingsRequest' }),
        required: true,
        example: { model: 'sim/embed', input: ['One text', 'and another'] },
      },
      content: { 'application/json': { schema: embeddingsReplySchema } },
    },
    {
      path: '/v1/images/generations',
      operationId: 'createImages',
      summary: 'Make pictures',
      description:
        'OpenAI’s image generation. Pictures come as bytes, or are kept as assets. Fewer than were asked for are a success: those that are missing are named, and not charged.',
      tag: 'images',
      body: {
        schema: imageGenerationSchema.meta({ id: 'ImageGenerationRequest' }),
        required: true,
        example: { model: 'sim/image', prompt: 'A lighthouse in fog', size: '1024x1024' },
      },
      content: pictures(imageEventsSchema('image_generation', 'ImageGeneration')),
    },
    {
      path: '/v1/images/edits',
      operationId: 'editImages',
      summary: 'Edit pictures',
      description:
        'OpenAI’s image edits, as a form or as JSON, with further ways of editing. The first picture is edited, the others are references; a mask is as large as the first, and where it is transparent the picture is changed. What a file is, its bytes tell.',
      tag: 'images',
      body: {
        schema: imageEditJsonSchema.meta({ id: 'ImageEditRequest' }),
        otherContent: {
          'multipart/form-data': { schema: imageEditFormSchema.meta({ id: 'ImageEditForm' }) },
        },
        required: true,
      },
      content: pictures(imageEventsSchema('image_edit', 'ImageEdit')),
    },
    ...textOperationRoutes,
    ...pictureRoutes,
    {
      path: '/v1/audio/transcriptions',
      operationId: 'createTranscription',
      summary: 'Write down a recording',
      description:
        'OpenAI’s transcription. The length of the recording is measured before the call, so that it can be held; what is booked is what the provider counts.',
      tag: 'audio',
      body: recording,
      content: { ...transcript, 'text/event-stream': { schema: transcriptEventsSchema } },
    },
    {
      path: '/v1/audio/translations',
      operationId: 'createTranslation',
      summary: 'Write down a recording in English',
      description: 'OpenAI’s translation: as transcription, in English whatever was spoken.',
      tag: 'audio',
      body: recording,
      content: transcript,
    },
    {
      path: '/v1/audio/speech',
      operationId: 'createSpeech',
      summary: 'Speak a text',
      description:
        'OpenAI’s speech. Bytes leave as they are made; the last of them once the call is booked. Sound that broke off ends with a broken connection.',
      tag: 'audio',
      body: {
        schema: speechSchema.meta({ id: 'SpeechRequest' }),
        required: true,
        example: { model: 'sim/speech', voice: 'alloy', input: 'Hello there.' },
      },
      content: {
        ...Object.fromEntries(
          Object.values(SPEECH_MEDIA_TYPES).map((type) => [type, { schema: sound }]),
        ),
        'text/event-stream': { schema: speechEventsSchema },
      },
    },
  ];
  return routes.map((route) => operation(route, errors));
}
