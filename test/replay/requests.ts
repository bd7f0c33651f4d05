/**
 * The chat request by which a test has a recording served.
 *
 * @module
 */
import type { Recording, RecordingEntry } from '../support/recordings.ts';
import { isLoose, looseList, looseOf, stringOf, type Loose } from './json.ts';

const SIMPLE_MESSAGES = [{ role: 'user', content: 'Say it again.' }];
const UNNAMED_MODEL = 'unnamed-model';

/** The recorded request body, where it is a chat request at all. */
export function recordedChatBody(recording: Recording): Loose | null {
  const { body } = recording.request;
  return isLoose(body) && looseList(body['messages']).length > 0 ? body : null;
}

/** Model id as the provider knows it. */
export function modelOf(entry: RecordingEntry, recording: Recording): string {
  const inPath = /\/models\/([^/?:]+):/.exec(entry.path)?.[1];
  const asked = stringOf(looseOf(recording.request.body)['model']);
  return inPath ?? (asked || entry.model || UNNAMED_MODEL);
}

/** What the client asks for, whatever was recorded. */
export interface RequestFacts {
  /** `provider/model` */
  readonly model: string;
  readonly stream: boolean;
  readonly choices: number;
}

/** The recorded request, or a plain one of as many choices as the recording has. */
export function chatRequestFor(recording: Recording, facts: RequestFacts): Loose {
  const base = recordedChatBody(recording) ?? {
    messages: SIMPLE_MESSAGES,
    ...(facts.choices > 1 ? { n: facts.choices } : {}),
  };
  return { ...base, model: facts.model, stream: facts.stream };
}

function mediaPart(media: Loose): Loose {
  const mimeType = stringOf(media['mime_type'] ?? media['mimeType']);
  const data = stringOf(media['data']);
  const url = `data:${mimeType};base64,${data}`;
  if (mimeType.startsWith('image/')) return { type: 'image_url', image_url: { url } };
  if (mimeType.startsWith('audio/'))
    return { type: 'input_audio', input_audio: { data, format: mimeType.slice(6) } };
  if (mimeType.startsWith('video/')) return { type: 'video_url', video_url: { url } };
  return { type: 'file', file: { filename: 'document', file_data: url } };
}

function userMessages(parts: readonly Loose[]): readonly Loose[] {
  const messages: Loose[] = [];
  const content: Loose[] = [];
  for (const part of parts) {
    const result = part['functionResponse'];
    const media = part['inline_data'] ?? part['inlineData'];
    if (isLoose(result)) {
      messages.push({
        role: 'tool',
        tool_call_id: `call_${stringOf(result['name'])}`,
        content: JSON.stringify(result['response'] ?? {}),
      });
    } else if (isLoose(media)) content.push(mediaPart(media));
    else if (typeof part['text'] === 'string') content.push({ type: 'text', text: part['text'] });
  }
  return content.length === 0 ? messages : [...messages, { role: 'user', content }];
}

function modelMessage(parts: readonly Loose[]): Loose {
  const calls = parts.flatMap((part) => {
    const call = part['functionCall'];
    if (!isLoose(call)) return [];
    const name = stringOf(call['name']);
    const signature = part['thoughtSignature'];
    return [
      {
        id: `call_${name}`,
        type: 'function',
        function: { name, arguments: JSON.stringify(call['args'] ?? {}) },
        ...(typeof signature === 'string'
          ? { extra_content: { google: { thought_signature: signature } } }
          : {}),
      },
    ];
  });
  const text = parts
    .filter((part) => part['thought'] !== true)
    .map((part) => stringOf(part['text']))
    .join('');
  return { role: 'assistant', content: text, ...(calls.length === 0 ? {} : { tool_calls: calls }) };
}

function toolsOf(body: Loose): readonly Loose[] {
  return looseList(body['tools']).flatMap((tool): readonly Loose[] => {
    if (isLoose(tool['google_search'])) return [{ type: 'google_search' }];
    return looseList(tool['functionDeclarations']).map((declaration) => ({
      type: 'function',
      function: {
        name: declaration['name'],
        description: declaration['description'],
        parameters: declaration['parametersJsonSchema'] ?? declaration['parameters'],
      },
    }));
  });
}

/** The recorded `generateContent` request as a chat request, as far as chat has words for it. */
export function chatRequestFromGemini(recording: Recording, facts: RequestFacts): Loose {
  const body = looseOf(recording.request.body);
  const config = looseOf(body['generationConfig']);
  const schema = config['responseJsonSchema'] ?? config['responseSchema'];
  const contents = looseList(body['contents']).flatMap((content) => {
    const parts = looseList(content['parts']);
    return content['role'] === 'model' ? [modelMessage(parts)] : userMessages(parts);
  });
  const tools = toolsOf(body);
  return {
    model: facts.model,
    messages: contents.length === 0 ? SIMPLE_MESSAGES : contents,
    stream: facts.stream,
    ...(facts.choices > 1 ? { n: facts.choices } : {}),
    ...(tools.length === 0 ? {} : { tools }),
    ...(typeof config['temperature'] === 'number' ? { temperature: config['temperature'] } : {}),
    ...(schema === undefined
      ? {}
      : {
          response_format: { type: 'json_schema', json_schema: { name: 'answer', schema } },
        }),
  };
}
