/**
 * `POST /v1/images/edits` (https://platform.openai.com/docs/api-reference/images/createEdit), as a form and as JSON, as a
 * dialect of the pipeline.
 *
 * @module
 */
import type { Dialect } from '../../../gateway/dialect.ts';
import type { OperationCall } from '../../../gateway/operation-call.ts';
import { isForm } from '../../../gateway/request-headers.ts';
import { openAiError, openAiErrorFrame } from '../errors.ts';
import { checked, present, unknownMembers } from '../request-fields.ts';
import { readEdit } from './edit-inputs.ts';
import { assertDeliverable, imageOptions, imageSpec } from './image-options.ts';
import { preparedImages } from './prepared-images.ts';
import { imageEditSchema } from './schema.ts';

async function parseEdit(
  body: Buffer,
  maxDepth: number,
  contentType: string | null,
): Promise<OperationCall> {
  const { members, images, mask } = await readEdit(
    body,
    maxDepth,
    isForm(contentType) ? contentType : null,
  );
  const request = checked(imageEditSchema, members);
  assertDeliverable(request);
  const inputs = images.length + (mask === null ? 0 : 1);
  return {
    kind: 'operation',
    operation: 'image.edit',
    work: 'media',
    model: request.model,
    stream: false,
    streamType: null,
    spec: imageSpec('image.edit', request, inputs),
    serviceTier: null,
    unknownParameters: unknownMembers(imageEditSchema, members),
    isServedBy: (definition) => definition.imageEdit !== undefined,
    prepare(definition, target) {
      const options = {
        ...imageOptions(request, definition.id),
        images,
        mask,
        inputFidelity: request.input_fidelity ?? null,
        mode: null,
        search: null,
        expand: null,
        strength: null,
      };
      const exchange = present(definition.imageEdit).edit(options, target);
      const { response_format } = request;
      return preparedImages(exchange, { n: options.n, response_format });
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
