/**
 * `POST /v1/images/edits` (https://platform.openai.com/docs/api-reference/images/createEdit), as a form and as JSON, as a
 * dialect of the pipeline. The way of editing, what is searched for, by how much a picture grows and how far the result
 * may be from it are the gateway's own members beside OpenAI's.
 *
 * @module
 */
import type { ImageEditOptions } from '../../../contracts/image-provider.ts';
import type { Dialect, ParseContext, RequestOrigin } from '../../../gateway/dialect.ts';
import type { OperationCall } from '../../../gateway/operation-call.ts';
import { invalidRequest } from '../../validation.ts';
import { openAiError, openAiErrorFrame } from '../errors.ts';
import { MediaReceiver, readMediaBody } from '../media-body.ts';
import { checked, isBackground, present, unknownMembers } from '../request-fields.ts';
import { EDIT_MEDIA, receiveEditInputs } from './edit-inputs.ts';
import { imageOptions, imageSpec, streamedImage } from './image-options.ts';
import { preparedPortions } from './prepared-images.ts';
import { imageEditSchema, type ImageEditRequest } from './schema.ts';
import { streamedImages } from './streamed-images.ts';

type EditModeOptions = Pick<ImageEditOptions, 'mode' | 'search' | 'expand' | 'strength'>;

/** @throws GatewayError `invalid_request` for a way of editing without what it needs */
function modeOptions(request: ImageEditRequest): EditModeOptions {
  const { mode = null, search = null, expand = null, strength = null, prompt } = request;
  if (mode !== 'erase' && mode !== 'outpaint' && (prompt ?? '') === '') {
    throw invalidRequest('prompt', 'is missing: say what is to be changed.');
  }
  if (mode === 'outpaint' && expand === null) {
    throw invalidRequest('expand', 'outpaint needs the pixels by which the picture grows.');
  }
  if ((mode === 'search_and_replace' || mode === 'search_and_recolor') && search === null) {
    throw invalidRequest('search', `${mode} needs what is searched for, in words.`);
  }
  return { mode, search, expand, strength };
}

async function parseEdit(
  body: Buffer,
  context: ParseContext,
  origin: RequestOrigin,
): Promise<OperationCall> {
  const received = await readMediaBody(body, { context, origin }, EDIT_MEDIA);
  const { members } = received;
  const request = checked(imageEditSchema, members);
  const streamed = streamedImage(request);
  const modes = modeOptions(request);
  const receiver = new MediaReceiver(context, origin, context.settings.maxImageBodyBytes);
  const { images, mask } = await receiveEditInputs(received, receiver);
  const inputs = images.length + (mask === null ? 0 : 1);
  const spec = imageSpec('image.edit', request, inputs);
  return {
    kind: 'operation',
    operation: 'image.edit',
    work: 'media',
    model: request.model,
    stream: streamed !== null,
    streamType: null,
    spec: modes.mode === null ? spec : { ...spec, options: { mode: modes.mode } },
    content: { texts: [request.prompt ?? '', modes.search ?? ''], images },
    serviceTier: null,
    unknownParameters: unknownMembers(imageEditSchema, members),
    background: isBackground(request.background),
    prepare(definition, target) {
      const options = {
        ...imageOptions(request, definition.id),
        ...modes,
        images,
        mask,
        inputFidelity: request.input_fidelity ?? null,
      };
      const provider = present(definition.imageEdit);
      if (streamed !== null) {
        const exchange = provider.editStream?.({ ...options, ...streamed }, target);
        return streamedImages(exchange, 'image_edit');
      }
      const { response_format } = request;
      const { generatedBy } = context.settings;
      const keptFormat = isBackground(request.background) ? 'url' : response_format;
      const how = {
        most: provider.perCall?.(target.model),
        response_format: keptFormat,
        generatedBy,
      };
      return preparedPortions(options, how, (portion) => provider.edit(portion, target));
    },
  };
}

export const imageEditsDialect: Dialect = {
  operation: 'image.edit',
  bodies: 'json_or_form',
  maxBodyBytes: (settings) => settings.maxImageBodyBytes,
  parse: parseEdit,
  renderError: openAiError,
  errorFrame: openAiErrorFrame,
};
