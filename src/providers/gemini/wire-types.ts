/**
 * The request of `generateContent`, as far as the gateway writes it.
 * https://ai.google.dev/api/generate-content#request-body
 *
 * @module
 */
import type { Json } from '../../contracts/text.ts';

export interface GeminiBlob {
  readonly mimeType: string;
  readonly data: string;
}

export interface GeminiFunctionResponse {
  readonly id?: string;
  readonly name: string;
  readonly response: Readonly<Record<string, unknown>>;
  readonly parts?: readonly { readonly inlineData: GeminiBlob }[];
}

export interface GeminiPart {
  readonly text?: string;
  readonly thought?: true;
  readonly thoughtSignature?: string;
  readonly inlineData?: GeminiBlob;
  readonly fileData?: { readonly fileUri: string; readonly mimeType?: string };
  readonly mediaResolution?: { readonly level: string };
  readonly functionCall?: {
    readonly id?: string;
    readonly name: string;
    readonly args: Readonly<Record<string, unknown>>;
  };
  readonly functionResponse?: GeminiFunctionResponse;
}

export interface GeminiContent {
  readonly role: 'user' | 'model';
  readonly parts: readonly GeminiPart[];
}

export interface GeminiFunctionDeclaration {
  readonly name: string;
  readonly description?: string;
  readonly parametersJsonSchema?: Json;
}

export type GeminiTool =
  | { readonly functionDeclarations: readonly GeminiFunctionDeclaration[] }
  | { readonly googleSearch: Readonly<Record<string, never>> };

export interface GeminiToolConfig {
  functionCallingConfig?: {
    readonly mode: 'AUTO' | 'ANY' | 'NONE' | 'VALIDATED';
    readonly allowedFunctionNames?: readonly string[];
  };
  includeServerSideToolInvocations?: true;
}

export interface GeminiThinkingConfig {
  includeThoughts?: boolean;
  thinkingBudget?: number;
  thinkingLevel?: 'MINIMAL' | 'LOW' | 'MEDIUM' | 'HIGH';
}

export interface GeminiGenerationConfig {
  candidateCount?: number;
  maxOutputTokens?: number;
  temperature?: number;
  topP?: number;
  topK?: number;
  presencePenalty?: number;
  frequencyPenalty?: number;
  stopSequences?: readonly string[];
  seed?: number;
  responseLogprobs?: true;
  logprobs?: number;
  responseMimeType?: 'application/json';
  responseJsonSchema?: Json;
  thinkingConfig?: GeminiThinkingConfig;
}
