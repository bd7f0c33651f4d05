/**
 * The request log in ALwrity's shape. Reading it changes nothing.
 *
 * @module
 */
import { z } from 'zod';
import { formatUsd } from '../../contracts/money.ts';
import { inputTokensOf, outputTokensOf } from '../../contracts/usage.ts';
import type { Exchange } from '../../gateway/exchange.ts';
import type { Gateway } from '../../gateway/gateway.ts';
import type { RequestRecord } from '../../metering/ports.ts';
import { accountOf } from './account.ts';
import { PROVIDER_ALIASES } from './plans.ts';
import { monthName, monthRange, readQuery } from './query.ts';
import type { usageLogsSchema } from './shapes.ts';

function wholeNumber(min: number, max: number) {
  const error = { error: `must be a whole number from ${min} to ${max}` };
  return z.coerce.number(error).int(error).min(min, error).max(max, error).optional();
}

/** Query of `usage-logs`. */
export const usageLogsQuery = z.object({
  limit: wholeNumber(1, 5000),
  offset: wholeNumber(0, 10_000_000),
  provider: z.string().max(100).optional(),
  status_code: wholeNumber(100, 599),
  billing_period: z
    .string()
    .regex(/^\d{4}-(?:0[1-9]|1[0-2])$/, { error: 'must be a month such as 2026-11' })
    .optional(),
});

function showLog(record: RequestRecord): z.input<typeof usageLogsSchema>['logs'][number] {
  const input = inputTokensOf(record.usage);
  const output = outputTokensOf(record.usage);
  return {
    id: record.requestId,
    timestamp: new Date(record.startedAtMs).toISOString(),
    provider: record.provider,
    actual_provider_name: record.provider,
    model_used: record.modelServed ?? record.modelAsked,
    endpoint: record.operation,
    method: 'POST',
    tokens_input: input,
    tokens_output: output,
    tokens_total: input + output,
    cost_input: null,
    cost_output: null,
    cost_total: Number(formatUsd(record.costNanoUsd)),
    response_time: (record.finishedAtMs - record.startedAtMs) / 1000,
    status_code: record.status,
    status: record.status < 300 ? 'success' : 'failed',
    error_message: record.errorCode,
    billing_period: monthName(record.startedAtMs),
    retry_count: Math.max(0, record.attempts - 1),
    is_aggregated: false,
  };
}

/** `GET usage-logs`: of the customer that the key acts for, newest first. */
export async function answerUsageLogs(
  gateway: Gateway,
  exchange: Exchange,
): Promise<z.input<typeof usageLogsSchema>> {
  const { customer } = await accountOf(gateway, exchange, null);
  const query = readQuery(exchange, usageLogsQuery);
  const { limit = 50, offset = 0 } = query;
  const provider = query.provider?.toLowerCase() ?? null;
  const { data, total } = await gateway.store.reader.requestLog({
    customerId: customer.id,
    provider: provider === null ? null : (PROVIDER_ALIASES[provider] ?? provider),
    status: query.status_code ?? null,
    ...(query.billing_period === undefined
      ? { fromMs: null, toMs: null }
      : monthRange(query.billing_period)),
    limit,
    offset,
  });
  return {
    logs: data.map(showLog),
    total_count: total,
    limit,
    offset,
    has_more: offset + limit < total,
  };
}
