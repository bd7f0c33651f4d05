/**
 * Errors of a gateway, of both planes, as errors of the command line.
 *
 * @module
 */
import { z } from 'zod';
import { CliError } from './cli-error.ts';
import type { CliContext } from './context.ts';
import { ERROR_CODES } from '../contracts/error-codes.ts';
import { EXIT_CODES, exitCodeOf, isErrorCode } from './exit-codes.ts';
import { formatAmount, formatInstant, printable } from './format.ts';

const limitSchema = z.looseObject({
  id: z.string(),
  meter: z.string(),
  limit: z.string(),
  used: z.string(),
  held: z.string(),
  requested: z.string().optional(),
  remaining: z.string(),
  resets_at: z.string().nullable(),
});

const actionSchema = z.looseObject({ do: z.string() });

const refusalSchema = {
  code: z.string().nullish(),
  param: z.string().nullish(),
  limits: z.array(limitSchema).optional(),
  actions: z.array(actionSchema).optional(),
};

/** Problem details of the control plane (RFC 9457). */
const problemSchema = z.looseObject({
  detail: z.string(),
  fix: z.string().optional(),
  instance: z.string().optional(),
  ...refusalSchema,
});

/** OpenAI's envelope of the data plane. */
const envelopeSchema = z.object({
  error: z.looseObject({
    message: z.string(),
    request_id: z.string().optional(),
    ...refusalSchema,
  }),
});

interface Refusal {
  readonly message: string;
  readonly code: string;
  readonly param: string | null;
  readonly fix: string | null;
  readonly requestId: string | null;
  readonly limits: readonly z.infer<typeof limitSchema>[];
  readonly actions: readonly z.infer<typeof actionSchema>[];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** An error body of either plane; null when it is neither. */
export function readRefusal(body: unknown): Refusal | null {
  const envelope = envelopeSchema.safeParse(body);
  const problem = problemSchema.safeParse(body);
  const found = envelope.success
    ? { ...envelope.data.error, fix: undefined, id: envelope.data.error.request_id }
    : problem.success
      ? { ...problem.data, message: problem.data.detail, id: problem.data.instance }
      : null;
  if (found === null) return null;
  const code = found.code ?? 'failure';
  return {
    message: printable(found.message),
    code,
    param: found.param ?? null,
    fix: found.fix ?? (isErrorCode(code) ? ERROR_CODES[code].fix : null),
    requestId: found.id ?? null,
    limits: found.limits ?? [],
    actions: found.actions ?? [],
  };
}

function limitLine(limit: z.infer<typeof limitSchema>): string {
  const amount = (value: string): string => formatAmount(limit.meter, value);
  const asked = limit.requested === undefined ? '' : `, asked for ${amount(limit.requested)}`;
  const reset = limit.resets_at === null ? '' : `, resets ${formatInstant(limit.resets_at)} UTC`;
  return `${limit.id}: ${amount(limit.used)} used + ${amount(limit.held)} held of ${amount(limit.limit)}${asked}${reset}`;
}

function actionText(action: z.infer<typeof actionSchema>): string {
  const member = (name: string): string => {
    const value = action[name];
    return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  };
  switch (action.do) {
    case 'reduce':
      if (action['param'] === 'max_tokens') return `--max-tokens ${member('max')}    (or less)`;
      return `lower ${member('param')} to ${member('max')} or less`;
    case 'switch_model':
      return `use the model ${member('model')} (at most ${formatAmount('cost_usd', member('max_cost'))})`;
    case 'wait':
      return `wait until ${formatInstant(member('until'))} UTC`;
    case 'upgrade':
      return `move to the plan ${member('plan')}`;
    case 'top_up':
      return `top up ${formatAmount('cost_usd', member('amount'))}`;
    case 'subscribe':
      return 'subscribe to a plan';
    case 'pay':
      return 'pay the open invoice';
    case 'resume':
    case 'reactivate':
      return `${action.do} the subscription`;
    default:
      return action.do;
  }
}

/** Command that lists what a path of the control plane names one of. */
function listCommand(path: string): string | null {
  const noun = /^\/admin\/v1\/(plans|customers|keys|requests)\b/.exec(path)?.[1];
  return noun === undefined ? null : `${noun} list`;
}

function fixesOf(refusal: Refusal, path: string, invocation: string): readonly string[] {
  const { code } = refusal;
  if (code === 'not_found') {
    const list =
      refusal.param === 'plan'
        ? 'plans list'
        : /customer/.test(refusal.param ?? '')
          ? 'customers list'
          : listCommand(path);
    if (list !== null) return [`${invocation} ${list}`];
  }
  if (code === 'invalid_api_key') {
    return [
      `use the key of that gateway: --data-dir <its folder>, or GATEWAY_ADMIN_KEY / GATEWAY_API_KEY`,
      `${invocation} doctor`,
    ];
  }
  if (code === 'model_not_found') return [`${invocation} models list`];
  if (code === 'provider_auth' || code === 'provider_credit') return [`${invocation} doctor`];
  if (refusal.actions.length > 0) {
    return [...refusal.actions.map(actionText), `${invocation} limits`];
  }
  return refusal.fix === null ? [] : [refusal.fix];
}

/** What a status of 400 or more says. */
export function refusalOf(
  reply: {
    readonly status: number;
    readonly text: string;
    /** Address of the gateway, and what was asked for below it. */
    readonly url: string;
    readonly path: string;
  },
  context: CliContext,
): CliError {
  const body = parseJson(reply.text);
  const refusal = readRefusal(body);
  if (refusal === null) {
    return new CliError(`${reply.url} answered ${reply.status}, but not as a gateway does.`, {
      exitCode: EXIT_CODES.unreachable,
      code: 'no_gateway',
      fixes: ['check --url, GATEWAY_URL and what listens there'],
    });
  }
  return refusalError(refusal, { status: reply.status, body, path: reply.path, context });
}

/** A refusal as an error of the command line. */
export function refusalError(
  refusal: Refusal,
  facts: {
    readonly status: number;
    readonly body: unknown;
    readonly path: string;
    readonly context: CliContext;
  },
): CliError {
  // The id of a path was given on the command line as an argument without a name.
  const isNamed =
    refusal.param === null || refusal.param === 'id' || refusal.message.includes(refusal.param);
  const tail = [refusal.code, refusal.requestId].filter((part) => part !== null).join(', ');
  return new CliError(isNamed ? refusal.message : `${refusal.param}: ${refusal.message}`, {
    exitCode: exitCodeOf(refusal.code),
    code: refusal.code,
    details: [...refusal.limits.map(limitLine), `(${tail})`],
    fixes: fixesOf(refusal, facts.path, facts.context.invocation),
    members: { status: facts.status, reply: facts.body },
  });
}
