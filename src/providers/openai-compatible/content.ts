/**
 * The content of a message or delta: a string, or parts as Mistral sends them
 * (https://docs.mistral.ai/capabilities/reasoning/).
 *
 * @module
 */
import type { GroundingSource, TokenLogprob } from '../../contracts/text.ts';
import { isObject, listOf, objectOf, textOf, type LooseObject } from './loose-json.ts';

export interface ContentPiece {
  readonly type: 'text' | 'reasoning' | 'refusal';
  readonly text: string;
}

function thinkingText(value: unknown): string {
  if (typeof value === 'string') return value;
  return listOf(value)
    .map((part) => (typeof part === 'string' ? part : (textOf(objectOf(part)['text']) ?? '')))
    .join('');
}

function pieceOf(part: unknown): ContentPiece | null {
  if (typeof part === 'string') return { type: 'text', text: part };
  if (!isObject(part)) return null;
  switch (part['type']) {
    case 'thinking':
    case 'reasoning':
      return { type: 'reasoning', text: thinkingText(part['thinking'] ?? part['text']) };
    case 'refusal':
      return { type: 'refusal', text: textOf(part['refusal']) ?? '' };
    default:
      return { type: 'text', text: textOf(part['text']) ?? '' };
  }
}

/** Thoughts beside the content: `reasoning_content` (DeepSeek, xAI, vLLM), `reasoning` (OpenRouter, Groq, Ollama). */
function reasoningBeside(message: LooseObject): string | null {
  return textOf(message['reasoning_content']) ?? textOf(message['reasoning']);
}

/** What a message or delta shows, in reading order; empty pieces are left out. */
export function contentPieces(message: LooseObject): readonly ContentPiece[] {
  const pieces: ContentPiece[] = [];
  const reasoning = reasoningBeside(message);
  if (reasoning !== null) pieces.push({ type: 'reasoning', text: reasoning });
  const content = message['content'];
  const parts = typeof content === 'string' ? [content] : listOf(content);
  for (const part of parts) {
    const piece = pieceOf(part);
    if (piece !== null && piece.text !== '') pieces.push(piece);
  }
  const refusal = textOf(message['refusal']);
  if (refusal !== null) pieces.push({ type: 'refusal', text: refusal });
  return pieces;
}

/** `url_citation` annotations of a message or delta (OpenAI, OpenRouter). */
export function annotationSources(message: LooseObject): readonly GroundingSource[] {
  return listOf(message['annotations']).flatMap((annotation) => {
    const citation = objectOf(objectOf(annotation)['url_citation']);
    const url = textOf(citation['url']);
    if (url === null) return [];
    const { start_index: startIndex, end_index: endIndex } = citation;
    return [
      {
        url,
        title: textOf(citation['title']),
        ...(typeof startIndex === 'number' ? { startIndex } : {}),
        ...(typeof endIndex === 'number' ? { endIndex } : {}),
      },
    ];
  });
}

/** Sources of the whole answer: Perplexity's `search_results` with titles, else bare `citations` (also xAI). */
export function answerSources(frame: LooseObject): readonly GroundingSource[] {
  const results = listOf(frame['search_results']).flatMap((result) => {
    const url = textOf(objectOf(result)['url']);
    return url === null ? [] : [{ url, title: textOf(objectOf(result)['title']) }];
  });
  if (results.length > 0) return results;
  return listOf(frame['citations']).flatMap((citation) => {
    const url = textOf(citation) ?? textOf(objectOf(citation)['url']);
    return url === null ? [] : [{ url, title: textOf(objectOf(citation)['title']) }];
  });
}

function bytesOf(value: unknown): readonly number[] | null {
  return Array.isArray(value) ? value.filter((byte) => typeof byte === 'number') : null;
}

/** Log probabilities of a choice in OpenAI's form; null when there are none. */
export function logprobsOf(choice: LooseObject): readonly TokenLogprob[] | null {
  const content = objectOf(choice['logprobs'])['content'];
  if (!Array.isArray(content)) return null;
  const alternative = (value: unknown): Omit<TokenLogprob, 'top_logprobs'> => {
    const item = objectOf(value);
    const { token, logprob } = item;
    return {
      token: typeof token === 'string' ? token : '',
      logprob: typeof logprob === 'number' ? logprob : 0,
      bytes: bytesOf(item['bytes']),
    };
  };
  return content.map((token) => ({
    ...alternative(token),
    top_logprobs: listOf(objectOf(token)['top_logprobs']).map(alternative),
  }));
}
