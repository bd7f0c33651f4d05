/**
 * Renders a translated answer as a `chat.completion`.
 *
 * @module
 */
import type {
  FinishReason,
  GroundingSource,
  TextChoice,
  TextResult,
} from '../../../contracts/text.ts';
import type { Receipt } from '../../../gateway/text-call.ts';
import { usageMember } from './frames.ts';

/** OpenAI's word for each finish reason; a provider's fault has none of its own there. */
export function chatFinishReason(reason: FinishReason): string {
  switch (reason) {
    case 'length':
      return 'length';
    case 'tool-calls':
      return 'tool_calls';
    case 'content-filter':
      return 'content_filter';
    case 'stop':
    case 'error':
    case 'other':
      return 'stop';
  }
}

/** A source as OpenAI's `url_citation` annotation. */
export function annotationOf(source: GroundingSource): Record<string, unknown> {
  return {
    type: 'url_citation',
    url_citation: {
      url: source.url,
      title: source.title ?? source.url,
      start_index: source.startIndex ?? 0,
      end_index: source.endIndex ?? 0,
    },
  };
}

/**
 * Opaque provider state that a later turn must echo. Google's own OpenAI-compatible endpoint carries it here
 * (https://ai.google.dev/gemini-api/docs/openai#thinking), so clients that know that form keep it.
 */
export function signatureMember(signature: string | undefined): Record<string, unknown> {
  return signature === undefined
    ? {}
    : { extra_content: { google: { thought_signature: signature } } };
}

function messageOf(choice: TextChoice): Record<string, unknown> {
  let content: string | null = null;
  let refusal: string | null = null;
  let reasoning: string | null = null;
  let signature: string | undefined;
  const toolCalls: Record<string, unknown>[] = [];
  for (const part of choice.parts) {
    switch (part.type) {
      case 'text':
        content = (content ?? '') + part.text;
        signature = part.signature ?? signature;
        break;
      case 'refusal':
        refusal = (refusal ?? '') + part.text;
        break;
      case 'reasoning':
        reasoning = (reasoning ?? '') + part.text;
        break;
      case 'tool-call':
        toolCalls.push({
          id: part.id,
          type: 'function',
          function: { name: part.name, arguments: part.argumentsJson },
          ...signatureMember(part.signature),
        });
        break;
    }
  }
  return {
    role: 'assistant',
    content: content ?? (toolCalls.length > 0 || refusal !== null ? null : ''),
    refusal,
    ...(reasoning === null ? {} : { reasoning_content: reasoning }),
    ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls }),
    ...(choice.sources.length === 0 ? {} : { annotations: choice.sources.map(annotationOf) }),
    ...signatureMember(signature),
  };
}

export function renderChatResult(result: TextResult, receipt: Receipt): Buffer {
  return Buffer.from(
    JSON.stringify({
      id: result.id ?? `chatcmpl-${receipt.requestId}`,
      object: 'chat.completion',
      created: Math.floor(receipt.createdAtMs / 1000),
      model: result.modelServed ?? receipt.model,
      choices: result.choices.map((choice) => ({
        index: choice.index,
        message: messageOf(choice),
        logprobs: choice.logprobs === null ? null : { content: choice.logprobs, refusal: null },
        finish_reason: chatFinishReason(choice.finishReason),
      })),
      usage: usageMember(receipt),
    }),
  );
}
