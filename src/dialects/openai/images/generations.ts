/**
 * `POST /v1/images/generations` as a dialect of the pipeline.
 *
 * @module
 */
import type { Dialect } from '../../../gateway/dialect.ts';
import type { OperationCall } from '../../../gateway/operation-call.ts';
import { parseJsonObject } from '../../json-body.ts';
import { openAiError, openAiErrorFrame } from '../errors.ts';
import { checked, present, unknownMembers } from '../request-fields.ts';
import { assertDeliverable, imageOptions, imageSpec } from './image-options.ts';
import { preparedImages } from './prepared-images.ts';
import { imageGenerationSchema } from './schema.ts';

function parseGeneration(bytes: Buffer, maxDepth: number): OperationCall {
  const body = parseJsonObject(bytes, maxDepth);
  const request = checked(imageGenerationSchema, body);
  assertDeliverable(request);
  return {
    kind: 'operation',
    operation: 'image.generate',
    work: 'media',
    model: request.model,
    stream: false,
    streamType: null,
    spec: imageSpec('image.generate', request, 0),
    serviceTier: null,
    unknownParameters: unknownMembers(imageGenerationSchema, body),
    isServedBy: (definition) => definition.imageGeneration !== undefined,
    prepare(definition, target) {
      const options = imageOptions(request, definition.id);
      const exchange = present(definition.imageGeneration).generate(options, target);
      const { response_format } = request;
      return preparedImages(exchange, { n: options.n, response_format });
    },
  };
}

export const imageGenerationsDialect: Dialect = {
  operation: 'image.generate',
  bodies: 'json',
  maxBodyBytes: (settings) => settings.maxImageBodyBytes,
  parse: (body, { settings }) => parseGeneration(body, settings.maxJsonDepth),
  renderError: openAiError,
  errorFrame: openAiErrorFrame,
};
