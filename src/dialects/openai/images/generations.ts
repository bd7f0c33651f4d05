/**
 * `POST /v1/images/generations` as a dialect of the pipeline.
 *
 * @module
 */
import type { Dialect, ParseContext } from '../../../gateway/dialect.ts';
import type { OperationCall } from '../../../gateway/operation-call.ts';
import { parseJsonObject } from '../../json-body.ts';
import { openAiError, openAiErrorFrame } from '../errors.ts';
import { checked, isBackground, present, unknownMembers } from '../request-fields.ts';
import { imageOptions, imageSpec, streamedImage } from './image-options.ts';
import { preparedPortions } from './prepared-images.ts';
import { imageGenerationSchema } from './schema.ts';
import { streamedImages } from './streamed-images.ts';

function parseGeneration(bytes: Buffer, { settings }: ParseContext): OperationCall {
  const { generatedBy, maxJsonDepth } = settings;
  const body = parseJsonObject(bytes, maxJsonDepth);
  const request = checked(imageGenerationSchema, body);
  const streamed = streamedImage(request);
  return {
    kind: 'operation',
    operation: 'image.generate',
    work: 'media',
    model: request.model,
    stream: streamed !== null,
    streamType: null,
    spec: imageSpec('image.generate', request, 0),
    content: { texts: [request.prompt, request.negative_prompt ?? ''], images: [] },
    serviceTier: null,
    unknownParameters: unknownMembers(imageGenerationSchema, body),
    background: isBackground(request.background),
    prepare(definition, target) {
      const options = imageOptions(request, definition.id);
      const provider = present(definition.imageGeneration);
      if (streamed !== null) {
        const exchange = provider.generateStream?.({ ...options, ...streamed }, target);
        return streamedImages(exchange, 'image_generation');
      }
      const { response_format } = request;
      const keptFormat = isBackground(request.background) ? 'url' : response_format;
      const most = provider.perCall?.(target.model);
      const how = { most, response_format: keptFormat, generatedBy };
      return preparedPortions(options, how, (portion) => provider.generate(portion, target));
    },
  };
}

export const imageGenerationsDialect: Dialect = {
  operation: 'image.generate',
  bodies: 'json',
  maxBodyBytes: (settings) => settings.maxImageBodyBytes,
  parse: parseGeneration,
  renderError: openAiError,
  errorFrame: openAiErrorFrame,
};
