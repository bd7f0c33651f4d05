/**
 * Work on one picture that OpenAI has no route for: face swaps, larger pictures, pictures without background. Bodies are
 * JSON or forms; what comes of it has the shape of any reply with pictures.
 *
 * @module
 */
import { z } from 'zod';
import type { OperationSpec } from '../../../catalog/operation-spec.ts';
import type { ImageGenerationResult } from '../../../contracts/image-provider.ts';
import type { OperationExchange } from '../../../contracts/job-provider.ts';
import type { ProviderDefinition } from '../../../contracts/provider.ts';
import type { ProviderTarget } from '../../../contracts/wire.ts';
import type { Dialect, ParseContext, RequestOrigin } from '../../../gateway/dialect.ts';
import { invalidRequest } from '../../validation.ts';
import { openAiError, openAiErrorFrame } from '../errors.ts';
import {
  MediaReceiver,
  readMediaBody,
  type MediaBody,
  type MediaRules,
  type ReceivedMedia,
} from '../media-body.ts';
import { backgroundFlag, checked, isBackground, unknownMembers } from '../request-fields.ts';
import { preparedImages } from './prepared-images.ts';

/** Members that all of this work has. */
export const pictureWorkMembers = {
  model: z.string().min(1).describe('`provider/model` or an alias.'),
  output_format: z.enum(['png', 'jpeg', 'webp']).nullish(),
  response_format: z
    .enum(['b64_json', 'url'])
    .nullish()
    .describe('`b64_json` by default; `url`: kept as an asset, under a signed address.'),
  background: backgroundFlag,
  provider_options: z
    .record(z.string(), z.record(z.string(), z.unknown()))
    .nullish()
    .describe('Options of one provider’s own, under its id; sent as they are.'),
};

type WorkMembers = z.infer<z.ZodObject<typeof pictureWorkMembers>>;

/** One kind of work. */
export interface PictureWork<Request extends WorkMembers> {
  readonly operation: 'image.face_swap' | 'image.upscale' | 'image.remove_background';
  readonly schema: z.ZodObject & z.ZodType<Request>;
  /** Pictures by their members; all of them are needed. */
  readonly media: MediaRules;
  specOf(request: Request, pictures: Pictures): Omit<OperationSpec, 'operation'>;
  exchange(
    work: { readonly request: Request; readonly pictures: Pictures },
    definition: ProviderDefinition,
    target: ProviderTarget,
  ): OperationExchange<ImageGenerationResult>;
}

/** The pictures of a request, by member. */
export interface Pictures {
  /** @throws Error where the rules have no such member */
  of(member: string): ReceivedMedia;
}

async function receivePictures(
  { media }: MediaBody,
  rules: MediaRules,
  receiver: MediaReceiver,
): Promise<Pictures> {
  const pictures = new Map<string, ReceivedMedia>();
  for (const member of Object.keys(rules)) {
    const [named] = media[member] ?? [];
    if (named === undefined) throw invalidRequest(member, 'is missing: a picture is needed.');
    pictures.set(member, await receiver.receive(named, ['image']));
  }
  return {
    of(member) {
      const picture = pictures.get(member);
      if (picture === undefined) throw new Error(`no picture is called ${member}`);
      return picture;
    },
  };
}

/** `1024x768`; undefined where the header does not say. */
export function sizeText(picture: ReceivedMedia, times = 1): string | undefined {
  const { size } = picture;
  return size === null
    ? undefined
    : `${Math.round(size.width * times)}x${Math.round(size.height * times)}`;
}

/** The work as a dialect of the pipeline. */
export function pictureWorkDialect<Request extends WorkMembers>(
  work: PictureWork<Request>,
): Dialect {
  const { operation, schema, media } = work;
  const parse = async (body: Buffer, context: ParseContext, origin: RequestOrigin) => {
    const received = await readMediaBody(body, { context, origin }, media);
    const request = checked(schema, received.members);
    const receiver = new MediaReceiver(context, origin, context.settings.maxImageBodyBytes);
    const pictures = await receivePictures(received, media, receiver);
    return {
      kind: 'operation',
      operation,
      work: 'media',
      model: request.model,
      stream: false,
      streamType: null,
      spec: { operation, ...work.specOf(request, pictures) },
      content: { texts: [], images: Object.keys(media).map((name) => pictures.of(name).input) },
      serviceTier: null,
      unknownParameters: unknownMembers(schema, received.members),
      background: isBackground(request.background),
      prepare(definition: ProviderDefinition, target: ProviderTarget) {
        const exchange = work.exchange({ request, pictures }, definition, target);
        const { generatedBy } = context.settings;
        const isKept = isBackground(request.background);
        const response_format = isKept ? 'url' : request.response_format;
        return preparedImages(exchange, { n: 1, response_format, generatedBy });
      },
    } as const;
  };
  return {
    operation,
    bodies: 'json_or_form',
    maxBodyBytes: (settings) => settings.maxImageBodyBytes,
    parse,
    renderError: openAiError,
    errorFrame: openAiErrorFrame,
  };
}
