/**
 * What the id of a Gemini model tells: its generation, which decides how thinking is set and how searches are
 * billed, and its path on the wire.
 *
 * @module
 */
import { providerFailure, ProviderFailureError } from '../../contracts/provider-failure.ts';

/** Path segment in front of every method. https://ai.google.dev/api */
export const VERSION_SEGMENT = '/v1beta';

export interface ModelGeneration {
  readonly major: number;
  readonly minor: number;
  readonly family: 'pro' | 'flash' | 'flash-lite' | 'other';
}

/** Reads `gemini-<major>[.<minor>]-<family>`; null for ids without a number (`gemini-flash-latest`, tuned models). */
export function generationOf(model: string): ModelGeneration | null {
  const found = /(?:^|\/)gemini-(\d{1,3})(?:\.(\d{1,3}))?(?:-|$)/.exec(model);
  if (found === null) return null;
  return { major: Number(found[1]), minor: Number(found[2] ?? 0), family: familyOf(model) };
}

function familyOf(model: string): ModelGeneration['family'] {
  if (model.includes('flash-lite')) return 'flash-lite';
  if (model.includes('flash')) return 'flash';
  return /-pro(?:-|$)/.test(model) ? 'pro' : 'other';
}

/** True when the model is of that generation or later; ids without a number follow the newest, so they count as later. */
export function isAtLeast(model: string, major: number, minor = 0): boolean {
  const generation = generationOf(model);
  if (generation === null) return true;
  return generation.major > major || (generation.major === major && generation.minor >= minor);
}

const COLLECTIONS: readonly string[] = ['models', 'tunedModels', 'dynamic'];

/**
 * The path of a method of a model. Each segment is encoded by itself, so a model id can neither leave its
 * collection nor name another method.
 *
 * @throws ProviderFailureError `model_not_found` for ids that no model can have (empty, `.` or `..` segments)
 */
export function modelPath(model: string, method: string): string {
  const segments = model.split('/');
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..')) {
    throw new ProviderFailureError(
      providerFailure({
        kind: 'model_not_found',
        status: 404,
        message: 'The model id is not one that Gemini can have.',
        param: 'model',
      }),
    );
  }
  const inCollection = segments.length > 1 && COLLECTIONS.includes(segments[0] ?? '');
  const path = (inCollection ? segments : ['models', ...segments]).map(encodeURIComponent);
  return `${VERSION_SEGMENT}/${path.join('/')}:${method}`;
}
