/**
 * Messages in the form of the chat completions protocol
 * (https://platform.openai.com/docs/api-reference/chat/create#chat-create-messages).
 *
 * Parts for which OpenAI has no form are written as vLLM and OpenRouter document them (`video_url`, `audio_url`,
 * URLs in `file_data`): a server that does not know them says so itself.
 *
 * @module
 */
import type { AssistantPart, InputPart, MediaSource, TextMessage } from '../../contracts/text.ts';
import type { OpenAiCompatibleQuirks } from './quirks.ts';
import type { WarningList } from './warnings.ts';

export type WireMessage = Readonly<Record<string, unknown>>;
type WirePart = Readonly<Record<string, unknown>>;
type AssistantMessage = Extract<TextMessage, { role: 'assistant' }>;

/** `input_audio.format` by mime type; others use the subtype as it stands. */
const AUDIO_FORMATS: Readonly<Record<string, string>> = {
  'audio/mpeg': 'mp3',
  'audio/mp3': 'mp3',
  'audio/wave': 'wav',
  'audio/x-wav': 'wav',
  'audio/wav': 'wav',
  'audio/mp4': 'm4a',
  'audio/pcm': 'pcm16',
};

function urlOf(source: Exclude<MediaSource, { kind: 'provider-file' }>): string {
  return source.kind === 'url' ? source.url : `data:${source.mimeType};base64,${source.base64}`;
}

function filePart(source: MediaSource, filename: string | undefined): WirePart {
  const named = filename === undefined ? {} : { filename };
  if (source.kind === 'provider-file')
    return { type: 'file', file: { file_id: source.id, ...named } };
  return { type: 'file', file: { file_data: urlOf(source), ...named } };
}

function inputPart(part: InputPart): WirePart {
  switch (part.type) {
    case 'text':
      return { type: 'text', text: part.text };
    case 'image':
      if (part.source.kind === 'provider-file') return filePart(part.source, undefined);
      return {
        type: 'image_url',
        image_url: {
          url: urlOf(part.source),
          ...(part.detail === undefined ? {} : { detail: part.detail }),
        },
      };
    case 'audio': {
      const { source } = part;
      if (source.kind === 'provider-file') return filePart(source, undefined);
      if (source.kind === 'url') return { type: 'audio_url', audio_url: { url: source.url } };
      const format = AUDIO_FORMATS[source.mimeType] ?? source.mimeType.replace(/^audio\//, '');
      return { type: 'input_audio', input_audio: { data: source.base64, format } };
    }
    case 'video':
      if (part.source.kind === 'provider-file') return filePart(part.source, undefined);
      return { type: 'video_url', video_url: { url: urlOf(part.source) } };
    case 'file':
      return filePart(part.source, part.filename);
  }
}

/** One text is sent as a string, which every server takes; anything else as parts. */
function contentOf(parts: readonly InputPart[]): string | readonly WirePart[] {
  const [only] = parts;
  if (only === undefined) return '';
  return parts.length === 1 && only.type === 'text' ? only.text : parts.map(inputPart);
}

function warnOfSignatures(parts: readonly AssistantPart[], warnings: WarningList): void {
  if (parts.some((part) => 'signature' in part && part.signature !== undefined)) {
    warnings.dropped(
      'messages[].signature',
      'State of another provider cannot be carried to this one.',
    );
  }
}

/** Text and refusals of an earlier answer. */
function assistantContent(
  parts: readonly AssistantPart[],
  quirks: OpenAiCompatibleQuirks,
  warnings: WarningList,
): string | readonly WirePart[] {
  const visible: WirePart[] = [];
  let text = '';
  let plain = true;
  for (const part of parts) {
    if (part.type === 'text') {
      text += part.text;
      visible.push({ type: 'text', text: part.text });
    } else if (part.type === 'refusal') {
      if (quirks.refusalParts) {
        plain = false;
        visible.push({ type: 'refusal', refusal: part.text });
      } else {
        text += part.text;
        visible.push({ type: 'text', text: part.text });
        warnings.mapped('messages[].refusal', 'Sent as text.');
      }
    } else if (part.type === 'reasoning' && quirks.assistantReasoning === 'thinking-parts') {
      plain = false;
      visible.push({ type: 'thinking', thinking: [{ type: 'text', text: part.text }] });
    }
  }
  return plain ? text : visible;
}

function reasoningMember(
  parts: readonly AssistantPart[],
  quirks: OpenAiCompatibleQuirks,
  warnings: WarningList,
): WireMessage {
  const texts = parts.flatMap((part) => (part.type === 'reasoning' ? [part.text] : []));
  if (texts.length === 0) return {};
  switch (quirks.assistantReasoning) {
    case 'dropped':
      warnings.dropped(
        'messages[].reasoning',
        'This provider does not take thoughts of earlier turns back.',
      );
      return {};
    case 'reasoning_content':
    case 'reasoning':
      return { [quirks.assistantReasoning]: texts.join('') };
    case 'thinking-parts':
      return {};
  }
}

function assistantMessage(
  message: AssistantMessage,
  quirks: OpenAiCompatibleQuirks,
  warnings: WarningList,
): WireMessage {
  const { parts } = message;
  warnOfSignatures(parts, warnings);
  const calls = parts.flatMap((part) =>
    part.type === 'tool-call'
      ? [
          {
            id: part.id,
            type: 'function',
            function: { name: part.name, arguments: part.argumentsJson || '{}' },
          },
        ]
      : [],
  );
  const content = assistantContent(parts, quirks, warnings);
  return {
    role: 'assistant',
    content: content === '' && calls.length > 0 ? null : content,
    ...reasoningMember(parts, quirks, warnings),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
}

function messageOf(
  message: TextMessage,
  quirks: OpenAiCompatibleQuirks,
  warnings: WarningList,
): WireMessage {
  switch (message.role) {
    case 'developer':
      if (!quirks.developerRole)
        warnings.mapped('messages[].role', 'developer was sent as system.');
      return {
        role: quirks.developerRole ? 'developer' : 'system',
        content: contentOf(message.parts),
      };
    case 'system':
    case 'user':
      return { role: message.role, content: contentOf(message.parts) };
    case 'assistant':
      return assistantMessage(message, quirks, warnings);
    case 'tool':
      if (message.isError !== undefined) {
        warnings.dropped(
          'messages[].isError',
          'This protocol cannot mark a tool result as an error; its text was sent.',
        );
      }
      return {
        role: 'tool',
        tool_call_id: message.toolCallId,
        content: contentOf(message.parts),
      };
  }
}

/** Translates the messages; what cannot be carried over is told in `warnings`. */
export function wireMessages(
  messages: readonly TextMessage[],
  quirks: OpenAiCompatibleQuirks,
  warnings: WarningList,
): WireMessage[] {
  const takesNames = !quirks.unsupported.includes('messageName');
  return messages.map((message) => {
    const wire = messageOf(message, quirks, warnings);
    if (message.role === 'tool' || message.name === undefined) return wire;
    if (takesNames) return { ...wire, name: message.name };
    warnings.dropped('messages[].name', 'This provider does not take names of speakers.');
    return wire;
  });
}
