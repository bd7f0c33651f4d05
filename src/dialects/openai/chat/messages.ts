/**
 * Translates chat messages, part by part.
 *
 * @module
 */
import type {
  AssistantPart,
  InputPart,
  MediaSource,
  TextMessage,
  ToolCallPart,
} from '../../../contracts/text.ts';
import { invalidRequest } from '../../validation.ts';
import type { ChatRequest } from './schema.ts';

type ChatMessage = ChatRequest['messages'][number];
type Loose = Readonly<Record<string, unknown>>;

const DATA_URL = /^data:([^;,]*)(?:;[^;,]*)*;base64,/i;

/** Mime types by the file name endings that `input_audio.format` and file names use. */
const AUDIO_MIME: Readonly<Record<string, string>> = {
  wav: 'audio/wav',
  mp3: 'audio/mp3',
  flac: 'audio/flac',
  ogg: 'audio/ogg',
  aac: 'audio/aac',
  aiff: 'audio/aiff',
  m4a: 'audio/mp4',
  opus: 'audio/opus',
  webm: 'audio/webm',
  pcm16: 'audio/pcm',
};

function objectAt(value: unknown, path: string): Loose {
  if (typeof value !== 'object' || value === null) throw invalidRequest(path, 'must be an object');
  return value as Loose;
}

function stringAt(value: unknown, path: string): string {
  if (typeof value !== 'string') throw invalidRequest(path, 'must be a string');
  return value;
}

function mediaSource(url: string, path: string, fallbackMime: string): MediaSource {
  if (!url.startsWith('data:')) {
    if (!/^(https?|gs):\/\//i.test(url))
      throw invalidRequest(path, 'must be an https URL or a base64 data URL');
    return { kind: 'url', url };
  }
  const match = DATA_URL.exec(url.slice(0, 256));
  if (match === null)
    throw invalidRequest(path, 'must be a base64 data URL, as data:<type>;base64,…');
  return {
    kind: 'data',
    mimeType: match[1] === '' || match[1] === undefined ? fallbackMime : match[1],
    base64: url.slice(match[0].length),
  };
}

function filePart(part: Loose, path: string): InputPart {
  const file = objectAt(part['file'], `${path}.file`);
  const filename = file['filename'];
  const named = typeof filename === 'string' ? { filename } : {};
  const id = file['file_id'];
  if (typeof id === 'string')
    return { type: 'file', source: { kind: 'provider-file', id }, ...named };
  const data = stringAt(file['file_data'] ?? file['file_url'], `${path}.file.file_data`);
  return {
    type: 'file',
    source: mediaSource(data, `${path}.file.file_data`, 'application/pdf'),
    ...named,
  };
}

function inputPart(part: Loose, path: string): InputPart {
  switch (part['type']) {
    case 'text':
      return { type: 'text', text: stringAt(part['text'], `${path}.text`) };
    case 'image_url': {
      const image = objectAt(part['image_url'], `${path}.image_url`);
      const source = mediaSource(
        stringAt(image['url'], `${path}.image_url.url`),
        `${path}.image_url.url`,
        'image/png',
      );
      return {
        type: 'image',
        source,
        ...(typeof image['detail'] === 'string' ? { detail: image['detail'] } : {}),
      };
    }
    case 'input_audio': {
      const audio = objectAt(part['input_audio'], `${path}.input_audio`);
      const data = stringAt(audio['data'], `${path}.input_audio.data`);
      const format = stringAt(audio['format'] ?? 'wav', `${path}.input_audio.format`);
      const source = data.startsWith('data:')
        ? mediaSource(data, `${path}.input_audio.data`, 'audio/wav')
        : {
            kind: 'data' as const,
            mimeType: AUDIO_MIME[format] ?? `audio/${format}`,
            base64: data,
          };
      return { type: 'audio', source };
    }
    case 'video_url': {
      const video = objectAt(part['video_url'], `${path}.video_url`);
      return {
        type: 'video',
        source: mediaSource(
          stringAt(video['url'], `${path}.video_url.url`),
          `${path}.video_url.url`,
          'video/mp4',
        ),
      };
    }
    case 'file':
      return filePart(part, path);
    default:
      throw invalidRequest(
        `${path}.type`,
        `"${String(part['type'])}" cannot be translated for this model's provider`,
      );
  }
}

function inputParts(message: ChatMessage, path: string): readonly InputPart[] {
  if (typeof message.content === 'string') return [{ type: 'text', text: message.content }];
  if (!Array.isArray(message.content)) throw invalidRequest(`${path}.content`, 'is required');
  return message.content.map((part, index) => inputPart(part, `${path}.content[${index}]`));
}

function textParts(
  message: ChatMessage,
  path: string,
): readonly { readonly type: 'text'; readonly text: string }[] {
  return inputParts(message, path).map((part, index) => {
    if (part.type !== 'text')
      throw invalidRequest(`${path}.content[${index}].type`, 'must be "text" in this role');
    return part;
  });
}

function signatureOf(value: Loose): { readonly signature?: string } {
  const extra = value['extra_content'];
  if (typeof extra !== 'object' || extra === null || !('google' in extra)) return {};
  const { google } = extra;
  if (typeof google !== 'object' || google === null || !('thought_signature' in google)) return {};
  return typeof google.thought_signature === 'string'
    ? { signature: google.thought_signature }
    : {};
}

function toolCallOf(value: Loose, path: string): ToolCallPart {
  const call = objectAt(value['function'], `${path}.function`);
  return {
    type: 'tool-call',
    id: stringAt(value['id'], `${path}.id`),
    name: stringAt(call['name'], `${path}.function.name`),
    argumentsJson: stringAt(call['arguments'] ?? '{}', `${path}.function.arguments`),
    ...signatureOf(value),
  };
}

/** Members of an assistant message that only OpenAI reads: without them the model would see another conversation. */
function assertTranslatable(message: ChatMessage, path: string): void {
  if ((message['function_call'] ?? null) !== null)
    throw invalidRequest(`${path}.function_call`, 'is obsolete: send it in tool_calls');
  if ((message['audio'] ?? null) !== null)
    throw invalidRequest(`${path}.audio`, "cannot be translated for this model's provider");
}

function assistantParts(message: ChatMessage, path: string): readonly AssistantPart[] {
  assertTranslatable(message, path);
  const parts: AssistantPart[] = [];
  const { content } = message;
  const reasoning = message['reasoning_content'];
  if (typeof reasoning === 'string' && reasoning !== '')
    parts.push({ type: 'reasoning', text: reasoning });
  if (typeof content === 'string') {
    if (content !== '') parts.push({ type: 'text', text: content, ...signatureOf(message) });
  } else {
    (content ?? []).forEach((part, index) => {
      const at = `${path}.content[${index}]`;
      if (part.type === 'text')
        parts.push({ type: 'text', text: stringAt(part['text'], `${at}.text`) });
      else if (part.type === 'refusal')
        parts.push({ type: 'refusal', text: stringAt(part['refusal'], `${at}.refusal`) });
      else
        throw invalidRequest(`${at}.type`, `"${part.type}" cannot stand in an assistant message`);
    });
  }
  const refusal = message['refusal'];
  if (typeof refusal === 'string' && refusal !== '') parts.push({ type: 'refusal', text: refusal });
  (message.tool_calls ?? []).forEach((call, index) =>
    parts.push(toolCallOf(call, `${path}.tool_calls[${index}]`)),
  );
  return parts;
}

function messageOf(message: ChatMessage, path: string): TextMessage {
  const name = message['name'];
  const named = typeof name === 'string' ? { name } : {};
  switch (message.role) {
    case 'system':
    case 'developer':
      return { role: message.role, parts: textParts(message, path), ...named };
    case 'user':
      return { role: 'user', parts: inputParts(message, path), ...named };
    case 'assistant':
      return { role: 'assistant', parts: assistantParts(message, path), ...named };
    case 'tool':
      return {
        role: 'tool',
        toolCallId: stringAt(message.tool_call_id, `${path}.tool_call_id`),
        parts: inputParts(message, path),
      };
    default:
      throw invalidRequest(`${path}.role`, 'must be system, developer, user, assistant or tool');
  }
}

/** Translates the messages; tool results learn the name of the call they answer. */
export function chatMessages(messages: readonly ChatMessage[]): readonly TextMessage[] {
  const toolNames = new Map<string, string>();
  return messages.map((message, index) => {
    const translated = messageOf(message, `messages[${index}]`);
    if (translated.role === 'assistant') {
      for (const part of translated.parts)
        if (part.type === 'tool-call') toolNames.set(part.id, part.name);
    }
    if (translated.role !== 'tool') return translated;
    const toolName = toolNames.get(translated.toolCallId);
    return toolName === undefined ? translated : { ...translated, toolName };
  });
}
