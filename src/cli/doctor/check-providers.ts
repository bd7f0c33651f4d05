/**
 * Providers: is a key there, does the address answer, does it take the key. The question is the cheapest there is,
 * the list of models, and costs nothing.
 *
 * @module
 */
import {
  ConfigError,
  resolveProviders,
  type ConfiguredProvider,
  type LoadedConfig,
} from '../../config/index.ts';
import type { TextOptions } from '../../contracts/text.ts';
import { PROVIDERS } from '../../providers/registry.ts';
import { localUrl } from '../connection.ts';
import { fail, messageOf, ok, warn, type Finding, type Patient } from './finding.ts';

const TIMEOUT_MS = 5_000;
const BODY_BYTES_MAX = 64 * 1024;
const SKEW_MAX_MS = 60_000;
const UNSET_SHOWN = 4;

const QUESTION: TextOptions = {
  messages: [{ role: 'user', parts: [{ type: 'text', text: 'ping' }] }],
  maxOutputTokens: 1,
};

/** Headers with which the provider is called, taken from a request that is not sent. */
function callHeaders(provider: ConfiguredProvider): Readonly<Record<string, string>> {
  const { definition, baseUrl, credential, settings } = provider;
  const request = definition.text?.generate(QUESTION, {
    model: 'model',
    baseUrl,
    credential,
    settings,
  });
  const headers = request?.request.headers ?? {};
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !name.startsWith('content-')),
  );
}

function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError')
    return `no answer within ${TIMEOUT_MS / 1000} s`;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error && 'code' in cause ? `${String(cause.code)}` : messageOf(cause);
}

async function readSome(response: Response): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(Buffer.from(chunk));
    size += chunk.length;
    if (size >= BODY_BYTES_MAX) break;
  }
  return Buffer.concat(chunks);
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Difference between the provider's clock and ours; null when it does not tell its own. */
  readonly skewMs: number | null;
}

async function ask(provider: ConfiguredProvider, nowMs: () => number): Promise<Answer> {
  const { definition, baseUrl } = provider;
  const response = await fetch(`${baseUrl}${definition.versionSegment}/models`, {
    headers: callHeaders(provider),
    redirect: 'manual',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const date = Date.parse(response.headers.get('date') ?? '');
  const skewMs = Number.isNaN(date) ? null : date - nowMs();
  const body = await readSome(response);
  return { status: response.status, headers: Object.fromEntries(response.headers), body, skewMs };
}

function judge(provider: ConfiguredProvider, answer: Answer): Finding {
  const { definition, baseUrl, origin } = provider;
  const check = `provider ${definition.id}`;
  if (answer.status < 300) return ok(check, `${baseUrl} answers and takes ${origin}`);
  if (answer.status < 400) {
    return fail(check, `${baseUrl} redirects to another address (${answer.status})`, {
      why: 'redirects are not followed: the key would go to another host',
      fix: `set ${definition.environment.baseUrl} to the address itself`,
    });
  }
  const failure = definition.readError(answer);
  switch (failure.kind) {
    case 'auth':
      return fail(check, `refuses the key of ${origin} (${answer.status})`, {
        why: 'calls to its models would fail with provider_auth',
        fix: `put a valid key into ${origin}, then start again`,
      });
    case 'credit':
      return fail(check, `the account behind ${origin} has no credit (${answer.status})`, {
        why: 'calls to its models would fail with provider_credit',
        fix: 'top up the account with the provider',
      });
    case 'rate_limited':
    case 'quota_exhausted':
      return warn(check, `answers, but limits the account of ${origin} (${answer.status})`, {
        why: 'calls to its models may wait or fail',
        fix: 'wait, or raise the limits with the provider',
      });
    default:
  }
  if (answer.status === 404 || answer.status === 405) {
    return ok(check, `${baseUrl} answers; it lists no models, so ${origin} was not tried`);
  }
  return warn(check, `${baseUrl} answers with ${answer.status}`, {
    why: 'it may be down, or the address may be another server’s',
    fix: `check ${definition.environment.baseUrl} and the provider’s status page, then repeat`,
  });
}

/** Faults that show before anything is sent. */
function checkSettings(provider: ConfiguredProvider, ownUrls: readonly string[]): Finding | null {
  const { definition, baseUrl, credential, origin } = provider;
  const check = `provider ${definition.id}`;
  if (ownUrls.includes(new URL(baseUrl).origin)) {
    return fail(check, `${baseUrl} is this gateway itself`, {
      why: 'every call would end in loop_detected',
      fix: `unset ${definition.environment.baseUrl}, or set it to the provider’s address`,
    });
  }
  if (credential !== null && /^["'].*["']$|\s/.test(credential)) {
    return fail(check, `the key in ${origin} has quotes or blanks in it`, {
      why: 'it was probably copied with them; the provider will refuse it',
      fix: `set ${origin} to the key alone`,
    });
  }
  return null;
}

async function checkProvider(
  provider: ConfiguredProvider,
  nowMs: () => number,
): Promise<{ readonly finding: Finding; readonly skewMs: number | null }> {
  const { definition, baseUrl } = provider;
  try {
    const answer = await ask(provider, nowMs);
    return { finding: judge(provider, answer), skewMs: answer.skewMs };
  } catch (error) {
    const finding = fail(
      `provider ${definition.id}`,
      `${baseUrl} is not reachable: ${reasonOf(error)}`,
      {
        why: 'calls to its models would fail or go to the next candidate',
        fix: `check the network (name resolution, proxy, firewall) and ${definition.environment.baseUrl}`,
      },
    );
    return { finding, skewMs: null };
  }
}

function checkSkew(skews: readonly number[]): readonly Finding[] {
  const [smallest] = skews.toSorted((left, right) => Math.abs(left) - Math.abs(right));
  if (smallest === undefined || Math.abs(smallest) <= SKEW_MAX_MS) return [];
  const seconds = Math.round(Math.abs(smallest) / 1000);
  return [
    fail(
      'clock skew',
      `the clock is ${seconds} s ${smallest > 0 ? 'behind' : 'ahead of'} the providers’`,
      {
        why: 'billing periods, key expiry and TLS certificates follow the clock',
        fix: 'set the clock: timedatectl set-ntp true',
      },
    ),
  ];
}

function checkNone(loaded: LoadedConfig, unset: readonly string[]): Finding {
  const names = `${unset.slice(0, UNSET_SHOWN).join(', ')} …`;
  if (loaded.config.simulators !== 'off') {
    return ok(
      'providers',
      `none configured; the built-in simulator answers as sim/chat (set ${names})`,
    );
  }
  return fail('providers', 'none configured, and the simulators are off', {
    why: 'no model can answer',
    fix: `set one of ${names}, or simulators: auto`,
  });
}

/** Checks every configured provider, all at once. */
export async function checkProviders(patient: Patient): Promise<readonly Finding[]> {
  const { loaded, context, probe } = patient;
  if (loaded === null) return [];
  let resolved: ReturnType<typeof resolveProviders>;
  try {
    resolved = resolveProviders(PROVIDERS, context.environment, loaded.config);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((problem) =>
      fail('providers', `${problem.path === '' ? '' : `${problem.path} `}${problem.message}`, {
        why: 'the gateway will not start',
        fix: `correct ${problem.origin ?? 'the configuration'}`,
      }),
    );
  }
  const { configured, unconfigured } = resolved;
  if (configured.length === 0) {
    const unset = unconfigured.flatMap(({ definition }) =>
      definition.environment.credential.slice(0, 1),
    );
    return [checkNone(loaded, unset)];
  }
  const { port } = loaded.config;
  const ownUrls = [localUrl('127.0.0.1', port), localUrl('localhost', port), localUrl('::1', port)];
  const skews: number[] = [];
  const findings = await Promise.all(
    configured.map(async (provider) => {
      const broken = checkSettings(provider, ownUrls);
      if (broken !== null) return broken;
      const { finding, skewMs } = await checkProvider(provider, () => probe.nowMs());
      if (skewMs !== null) skews.push(skewMs);
      return finding;
    }),
  );
  return [...findings, ...checkSkew(skews)];
}
