/**
 * `POST /moderations` (https://platform.openai.com/docs/api-reference/moderations).
 *
 * @module
 */
import type {
  ModerationInput,
  ModerationOptions,
  ModerationProvider,
  ModerationResult,
  ModerationVerdict,
} from '../../../contracts/moderation-provider.ts';
import type { WireReply } from '../../../contracts/wire.ts';
import { isObject, listOf, objectOf, textOf } from '../loose-json.ts';
import { malformed } from '../../replies.ts';
import { countOf, jsonRequest, objectReply, type MediaServer } from './server.ts';

function partOf(input: ModerationInput): object {
  switch (input.type) {
    case 'text':
      return { type: 'text', text: input.text };
    case 'image_url':
      return { type: 'image_url', image_url: { url: input.url } };
    case 'image': {
      const { bytes, mediaType } = input.image;
      const url = `data:${mediaType};base64,${bytes.toString('base64')}`;
      return { type: 'image_url', image_url: { url } };
    }
  }
}

/** Texts alone are a list of their own verdicts, all else parts of one thing. */
function inputOf({ inputs, together }: ModerationOptions): unknown {
  if (together) return inputs.map(partOf);
  const texts = inputs.map((input) => (input.type === 'text' ? input.text : ''));
  return texts.length === 1 ? texts[0] : texts;
}

function flagsOf(value: unknown): Readonly<Record<string, boolean>> {
  return Object.fromEntries(
    Object.entries(objectOf(value)).map(([name, flag]) => [name, flag === true]),
  );
}

function scoresOf(value: unknown): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(objectOf(value)).flatMap(([name, score]) =>
      typeof score === 'number' ? [[name, score] as const] : [],
    ),
  );
}

function verdictOf(item: unknown): ModerationVerdict {
  const {
    flagged,
    categories,
    category_scores: scores,
    category_applied_input_types: applied,
  } = objectOf(item);
  if (typeof flagged !== 'boolean') throw malformed('The provider sent no verdict.');
  return {
    flagged,
    categories: flagsOf(categories),
    scores: scoresOf(scores),
    appliedTo: isObject(applied)
      ? Object.fromEntries(
          Object.entries(applied).map(([name, kinds]) => [
            name,
            listOf(kinds).flatMap((kind) => textOf(kind) ?? []),
          ]),
        )
      : null,
  };
}

function readVerdicts(reply: WireReply, options: ModerationOptions): ModerationResult {
  const body = objectReply(reply);
  const verdicts = listOf(body['results']).map(verdictOf);
  const wanted = options.together ? 1 : options.inputs.length;
  if (verdicts.length !== wanted) throw malformed('The provider sent another number of verdicts.');
  const tokens = countOf(objectOf(body['usage'])['total_tokens']);
  return {
    id: textOf(body['id']),
    verdicts,
    usage: tokens === 0 ? {} : { input_text_tokens: tokens },
    modelServed: textOf(body['model']),
    dimensions: {},
  };
}

/** Verdicts on content. */
export function moderation(server: MediaServer): ModerationProvider {
  return {
    moderate: (options, target) => ({
      request: jsonRequest(server, target, {
        path: '/moderations',
        members: { model: target.model, input: inputOf(options), ...options.extra },
      }),
      warnings: [],
      read: (reply) => readVerdicts(reply, options),
    }),
  };
}
