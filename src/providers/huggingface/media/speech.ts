/**
 * Speech behind the router: the bytes of hf-inference (recorded: FLAC), and work of fal and Replicate to be followed.
 *
 * @module
 */
import type { JobExchange } from '../../../contracts/job-provider.ts';
import type { ResultFacts } from '../../../contracts/media.ts';
import {
  SPEECH_MEDIA_TYPES,
  type SpeechExchange,
  type SpeechOptions,
  type SpeechProvider,
  type SpeechReader,
} from '../../../contracts/speech-provider.ts';
import type { ProviderWarning } from '../../../contracts/text.ts';
import type { ProviderTarget } from '../../../contracts/wire.ts';
import { mediaTypeOf } from '../../../http/media-type.ts';
import { checkMediaOptions } from '../../media-options.ts';
import type { LooseObject } from '../../openai-compatible/loose-json.ts';
import { malformed } from '../../replies.ts';
import { given, modelPath, objectReply, ownOptions, postJson } from './exchange.ts';
import { modelFor } from './models.ts';
import { submission } from './queue.ts';
import { routeOf, type Route } from './routes.ts';

const ERROR_MAX_BYTES = 64 * 1024;

/** What hf-inference answers with (recorded): the model decides, and this is what they agree on. */
const FORM = 'flac';

/** Bytes as they come; what they are, the first of them tell. What begins as JSON does is an error. */
class SniffedSound implements SpeechReader {
  readonly facts = null;
  mediaType: string | null = null;
  #chunks: Buffer[] = [];
  #isSound = false;

  push(chunk: Buffer): Buffer | null {
    if (this.#isSound) return chunk;
    this.#chunks.push(Buffer.from(chunk));
    const begun = Buffer.concat(this.#chunks);
    this.mediaType = mediaTypeOf(begun);
    if (this.mediaType?.startsWith('audio/') === true) {
      this.#isSound = true;
      return begun;
    }
    if (begun.length > ERROR_MAX_BYTES)
      throw malformed('The router sent something that is no sound.');
    return null;
  }

  end(): null {
    if (this.#isSound) return null;
    objectReply({ status: 200, headers: {}, body: Buffer.concat(this.#chunks) });
    throw malformed('The router sent something that is no sound.');
  }
}

interface SpokenWork {
  readonly warnings: readonly ProviderWarning[];
  readonly facts: ResultFacts;
  readonly extra: LooseObject;
}

function atOnce(
  options: SpeechOptions,
  target: ProviderTarget,
  { route, warnings, facts, extra }: SpokenWork & { readonly route: Route },
): SpeechExchange {
  return {
    request: postJson(target, {
      path: `/hf-inference/models/${modelPath(route.name)}`,
      accept: '*/*',
      members: { inputs: options.text, parameters: extra },
    }),
    warnings,
    mediaType: SPEECH_MEDIA_TYPES[FORM],
    facts,
    open: () => new SniffedSound(),
  };
}

/** Sound from words. */
export const speech: SpeechProvider = {
  speak(options, target): SpeechExchange | JobExchange {
    const { named, extra } = ownOptions(options.extra);
    const route = routeOf(target.model, 'audio.speech', named);
    const { text, voice, instructions, speed, format } = options;
    const isPipeline = route.wire === 'pipeline';
    const asked = { input: text, ...(isPipeline ? {} : { voice }), instructions, speed };
    const table = modelFor(target.model, 'audio.speech');
    const checked = checkMediaOptions(table, asked, new Set());
    const detail = `The model decides the form, not ${format}.`;
    const isOther = !isPipeline || format !== FORM;
    const unsaid: readonly ProviderWarning[] = [
      ...(isPipeline
        ? [{ option: 'voice', action: 'dropped' as const, detail: 'The model has one voice.' }]
        : []),
      ...(isOther ? [{ option: 'response_format', action: 'mapped' as const, detail }] : []),
    ];
    const facts = {
      usage: { characters: Array.from(text).length },
      modelServed: null,
      dimensions: {},
    };
    const work = { warnings: [...checked.warnings, ...unsaid], facts, extra };
    if (isPipeline) return atOnce(options, target, { ...work, route });
    return submission(target, route, { ...work, input: given({ text, voice, ...extra }) });
  },
};
