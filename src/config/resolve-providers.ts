/**
 * Which providers are configured: what the environment holds, then what the file holds, laid over what each
 * provider's own definition declares.
 *
 * @module
 */
import type { ProviderDefinition } from '../contracts/provider.ts';
import { readBaseUrl } from './base-url.ts';
import { ConfigError, type ConfigProblem } from './config-error.ts';
import type { Environment } from './load.ts';
import { nearestName } from './nearest-name.ts';
import type { GatewayConfig, ProviderSettings } from './schema.ts';

/** A provider that can be called. */
export interface ConfiguredProvider {
  readonly definition: ProviderDefinition;
  /** Origin and path before the version segment, no slash at the end. */
  readonly baseUrl: string;
  /** Null for servers that need none. */
  readonly credential: string | null;
  readonly settings: Readonly<Record<string, string>>;
  /** Where credential (or, without one, base URL) come from: a variable's name or a setting's path. */
  readonly origin: string;
}

/** A provider that cannot be called, and what would change that. */
export interface UnconfiguredProvider {
  readonly definition: ProviderDefinition;
  /** One clause, such as `ANTHROPIC_API_KEY not set` or `switched off by providers.openai.enabled`. */
  readonly reason: string;
}

export interface ResolvedProviders {
  /** In the order of the definitions. */
  readonly configured: readonly ConfiguredProvider[];
  readonly unconfigured: readonly UnconfiguredProvider[];
}

interface Found {
  readonly value: string;
  readonly origin: string;
}

function firstSet(environment: Environment, names: readonly string[]): Found | null {
  for (const name of names) {
    // White space around a key comes from copying; no vendor's key holds it, and headers refuse line breaks.
    const value = environment[name]?.trim();
    if (value !== undefined && value !== '') return { value, origin: name };
  }
  return null;
}

function credentialOf(
  definition: ProviderDefinition,
  environment: Environment,
  entry: ProviderSettings | undefined,
): Found | null {
  const found = firstSet(environment, definition.environment.credential);
  if (found !== null) return found;
  const value = entry?.apiKey?.trim();
  if (value === undefined || value === '') return null;
  return { value, origin: `providers.${definition.id}.apiKey` };
}

function baseUrlOf(
  definition: ProviderDefinition,
  environment: Environment,
  entry: ProviderSettings | undefined,
): Found | null {
  const found = firstSet(environment, [definition.environment.baseUrl]);
  if (found !== null) return found;
  if (entry?.baseUrl !== undefined) {
    return { value: entry.baseUrl, origin: `providers.${definition.id}.baseUrl` };
  }
  if (definition.defaultBaseUrl === null) return null;
  return { value: definition.defaultBaseUrl, origin: 'default' };
}

type Outcome =
  | { readonly type: 'configured'; readonly provider: ConfiguredProvider }
  | { readonly type: 'unconfigured'; readonly reason: string }
  | { readonly type: 'invalid'; readonly problem: ConfigProblem };

function resolveOne(
  definition: ProviderDefinition,
  environment: Environment,
  entry: ProviderSettings | undefined,
): Outcome {
  const { id, environment: names } = definition;
  if (entry?.enabled === false) {
    return { type: 'unconfigured', reason: `switched off by providers.${id}.enabled` };
  }
  const address = baseUrlOf(definition, environment, entry);
  if (address === null) {
    return { type: 'unconfigured', reason: `${names.baseUrl} not set` };
  }
  const base = readBaseUrl(address.value, definition.versionSegment);
  if (base.type === 'invalid') {
    const fromFile = address.origin.startsWith('providers.');
    const problem: ConfigProblem = {
      path: fromFile ? address.origin : '',
      message: fromFile ? base.reason : `${address.origin} ${base.reason}`,
      origin: fromFile ? null : `environment variable ${address.origin}`,
    };
    return { type: 'invalid', problem };
  }
  const credential = credentialOf(definition, environment, entry);
  if (credential === null) {
    const optional = names.credentialOptional === true && address.origin !== 'default';
    if (!optional) {
      return { type: 'unconfigured', reason: `${names.credential.join(' or ')} not set` };
    }
  }
  return {
    type: 'configured',
    provider: {
      definition,
      baseUrl: base.url,
      credential: credential?.value ?? null,
      settings: entry?.settings ?? {},
      origin: credential?.origin ?? address.origin,
    },
  };
}

function unknownProvider(id: string, known: readonly string[]): ConfigProblem {
  const nearest = nearestName(id, known);
  const hint = nearest === null ? `known are ${known.join(', ')}` : `did you mean "${nearest}"?`;
  return { path: `providers.${id}`, message: `is no provider; ${hint}`, origin: null };
}

/**
 * Resolves the providers of a process.
 *
 * @throws ConfigError for an entry of no known provider and for a base URL that is none
 */
export function resolveProviders(
  definitions: readonly ProviderDefinition[],
  environment: Environment,
  config: Pick<GatewayConfig, 'providers'>,
): ResolvedProviders {
  const known = definitions.map((definition) => definition.id);
  const problems = Object.keys(config.providers)
    .filter((id) => !known.includes(id))
    .map((id) => unknownProvider(id, known));
  const configured: ConfiguredProvider[] = [];
  const unconfigured: UnconfiguredProvider[] = [];
  for (const definition of definitions) {
    const outcome = resolveOne(definition, environment, config.providers[definition.id]);
    switch (outcome.type) {
      case 'configured':
        configured.push(outcome.provider);
        break;
      case 'unconfigured':
        unconfigured.push({ definition, reason: outcome.reason });
        break;
      case 'invalid':
        problems.push(outcome.problem);
        break;
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return { configured, unconfigured };
}
