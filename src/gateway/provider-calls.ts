/**
 * How many calls of a provider an operation takes.
 *
 * @module
 */
import type { OperationSpec } from '../catalog/operation-spec.ts';
import type { ProviderDefinition } from '../contracts/provider.ts';

function mostPictures(
  { imageGeneration, imageEdit }: ProviderDefinition,
  operation: OperationSpec['operation'],
  model: string,
): number | undefined {
  switch (operation) {
    case 'image.generate':
      return imageGeneration?.perCall?.(model);
    case 'image.edit':
      return imageEdit?.perCall?.(model);
    default:
      return undefined;
  }
}

/** The operation as it goes to a model: with its number of calls where one makes fewer pictures than are asked for. */
export function withCalls(
  spec: OperationSpec,
  definition: ProviderDefinition | undefined,
  model: string,
): OperationSpec {
  const wanted = spec.image?.n ?? 1;
  if (wanted === 1 || definition === undefined) return spec;
  const most = mostPictures(definition, spec.operation, model);
  if (most === undefined || most < 1 || wanted <= most) return spec;
  return { ...spec, calls: Math.ceil(wanted / most) };
}
