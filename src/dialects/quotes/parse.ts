/**
 * Reads the body of `POST /v1/quotes`.
 *
 * @module
 */
import type { QuoteRequest } from '../../gateway/quotes/quote-request.ts';
import { parseJsonObject } from '../json-body.ts';
import { invalidRequest, pathOf } from '../validation.ts';
import { defaultId, operationOfType, type QuoteBody, quoteRequestSchema } from './schema.ts';

function checkedBody(body: unknown): QuoteBody {
  const parsed = quoteRequestSchema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue?.path ?? [];
  const [unknown] = issue?.code === 'unrecognized_keys' ? issue.keys : [];
  throw unknown === undefined
    ? invalidRequest(pathOf(path), issue?.message ?? 'is not valid')
    : invalidRequest(pathOf([...path, unknown]), 'is not a member of a quote');
}

/** @throws GatewayError `invalid_request` naming the member */
export function parseQuoteRequest(bytes: Buffer, maxDepth: number): QuoteRequest {
  const { operations, hold } = checkedBody(parseJsonObject(bytes, maxDepth));
  return {
    mode: hold?.mode ?? 'none',
    ttlMs: hold?.ttl_s === undefined ? null : hold.ttl_s * 1000,
    operations: operations.map((operation, index) => ({
      id: operation.id ?? defaultId(index),
      type: operationOfType(operation.type),
      model: operation.model,
      input: operation.input ?? {},
      output: { maxTokens: operation.output?.max_tokens },
      image: operation.image ?? null,
      video: operation.video ?? null,
      serviceTier: operation.service_tier ?? null,
      count: operation.count ?? 1,
    })),
  };
}
