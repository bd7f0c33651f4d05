/**
 * `POST /images/generations` and `POST /images/edits`
 * (https://platform.openai.com/docs/api-reference/images; recorded traffic of gpt-image-1 and gpt-image-1.5).
 *
 * @module
 */
import type {
  ImageEditOptions,
  ImageEditProvider,
  ImageGenerationProvider,
  ImageOptions,
} from '../../../contracts/image-provider.ts';
import type { MediaInput } from '../../../contracts/media.ts';
import type { ProviderWarning } from '../../../contracts/text.ts';
import type { ProviderTarget } from '../../../contracts/wire.ts';
import type { FormPart } from '../../../http/multipart-form.ts';
import { readImageEvent } from './image-events.ts';
import { readImages } from './image-results.ts';
import { dropped, formRequest, jsonRequest, refused, type MediaServer } from './server.ts';

interface WireOptions {
  readonly members: Readonly<Record<string, unknown>>;
  readonly warnings: readonly ProviderWarning[];
}

/** The options on the wire; those that the model does not take are named. */
function wireOptions(
  server: MediaServer,
  options: ImageOptions & { readonly inputFidelity?: string | null },
  model: string,
): WireOptions {
  const traits = server.image(model);
  if (options.n > traits.maxImages) {
    throw refused(
      'n',
      `${model} makes at most ${traits.maxImages} pictures a call. Ask for fewer, or call it several times.`,
    );
  }
  const members: Record<string, unknown> = {
    model,
    prompt: options.prompt,
    n: options.n,
    size: options.size,
    user: options.user,
    ...(traits.asksForBytes ? { response_format: 'b64_json' } : {}),
  };
  const optional: Readonly<Record<string, unknown>> = {
    quality: options.quality,
    style: options.style,
    background: options.background,
    output_format: options.outputFormat,
    output_compression: options.outputCompression,
    moderation: options.moderation,
    input_fidelity: options.inputFidelity ?? null,
    negative_prompt: options.negativePrompt,
    guidance_scale: options.guidanceScale,
    steps: options.steps,
    seed: options.seed,
  };
  const warnings: ProviderWarning[] = [];
  for (const [name, value] of Object.entries(optional)) {
    if (value === null) continue;
    if (traits.options.has(name)) members[name] = value;
    else warnings.push(dropped(name, model));
  }
  return { members: { ...members, ...options.extra }, warnings };
}

/** A file of a form. */
export function filePart(name: string, file: MediaInput): FormPart {
  const { bytes, fileName, mediaType } = file;
  return { name, bytes, fileName, mediaType };
}

/** Members as fields of a form; those that are null or undefined are left out. */
export function textParts(members: Readonly<Record<string, unknown>>): FormPart[] {
  return Object.entries(members).flatMap(([name, value]) =>
    value === null || value === undefined
      ? []
      : [{ name, text: typeof value === 'string' ? value : JSON.stringify(value) }],
  );
}

function editParts(options: ImageEditOptions, members: WireOptions['members']): FormPart[] {
  const { images, mask } = options;
  const name = images.length === 1 ? 'image' : 'image[]';
  return [
    ...textParts(members),
    ...images.map((image) => filePart(name, image)),
    ...(mask === null ? [] : [filePart('mask', mask)]),
  ];
}

/** Pictures from words. */
export function imageGeneration(server: MediaServer): ImageGenerationProvider {
  return {
    perCall: (model) => server.image(model).maxImages,
    generate(options: ImageOptions, target: ProviderTarget) {
      const { members, warnings } = wireOptions(server, options, target.model);
      const request = jsonRequest(server, target, { path: '/images/generations', members });
      return { request, warnings, read: readImages };
    },
    generateStream({ partialImages, ...options }, target) {
      const { members, warnings } = wireOptions(server, options, target.model);
      const request = jsonRequest(server, target, {
        path: '/images/generations',
        members: { ...members, ...streamMembers(server, partialImages, target.model) },
        accept: 'text/event-stream',
      });
      return { request, warnings, open: () => readImageEvent };
    },
  };
}

/** @throws GatewayError `invalid_request` for a model that does not stream */
function streamMembers(
  server: MediaServer,
  partialImages: number,
  model: string,
): Readonly<Record<string, unknown>> {
  if (server.image(model).streams !== true) {
    throw refused(
      'stream',
      `${model} delivers its pictures when they are finished: leave stream out.`,
    );
  }
  return { stream: true, partial_images: partialImages };
}

/** Ways of editing that the route has, none of which is named on the wire: a mask or its absence says which. */
const EDIT_MODES: ReadonlySet<string | null> = new Set([null, 'instruct', 'inpaint']);

/** What OpenAI's route has no word for: refused where it is the task itself, named where it only shapes it. */
function unsaid(options: ImageEditOptions, model: string): readonly ProviderWarning[] {
  if (!EDIT_MODES.has(options.mode)) {
    throw refused('mode', `${model} has no ${options.mode}. Ask for instruct or inpaint.`);
  }
  if (options.mode === 'inpaint' && options.mask === null) {
    throw refused('mask', `inpaint needs a mask: transparent where the picture is to change.`);
  }
  if (options.expand !== null) throw refused('expand', `${model} cannot make a picture grow.`);
  return [
    ...(options.search === null ? [] : [dropped('search', model)]),
    ...(options.strength === null ? [] : [dropped('strength', model)]),
  ];
}

/** Members of an edit but for its pictures. @throws GatewayError `invalid_request` for a way that the model has not */
function editMembers(server: MediaServer, options: ImageEditOptions, model: string): WireOptions {
  const { mode, search, expand, strength } = options;
  const hasModes = server.image(model).editModes === true;
  const unsaidOptions = hasModes ? [] : unsaid(options, model);
  const { members, warnings } = wireOptions(server, options, model);
  return {
    members: hasModes ? { ...members, mode, search, expand, strength } : members,
    warnings: [...warnings, ...unsaidOptions],
  };
}

/** Pictures from pictures. Sent as a form, which every model of the route takes. */
export function imageEdit(server: MediaServer): ImageEditProvider {
  return {
    perCall: (model) => server.image(model).maxImages,
    edit(options: ImageEditOptions, target: ProviderTarget) {
      const { members, warnings } = editMembers(server, options, target.model);
      const parts = editParts(options, members);
      const request = formRequest(server, target, { path: '/images/edits', parts });
      return { request, warnings, read: readImages };
    },
    editStream({ partialImages, ...options }, target) {
      const { members, warnings } = editMembers(server, options, target.model);
      const streamed = { ...members, ...streamMembers(server, partialImages, target.model) };
      const parts = editParts(options, streamed);
      const request = formRequest(server, target, { path: '/images/edits', parts });
      return { request, warnings, open: () => readImageEvent };
    },
  };
}
