/**
 * What routing knows, for the operator to see: the providers, and what a call of a model would find now. Calls nobody.
 *
 * @module
 */
import { OPERATIONS, type Operation } from '../contracts/metering.ts';
import type { Unavailable } from '../routing/index.ts';
import type { ConfiguredProvider, Gateway } from './gateway.ts';
import { isServedBy } from './served-by.ts';

type Routed = Pick<Gateway, 'catalog' | 'clock' | 'providers' | 'routing'>;

export interface ProviderView {
  readonly id: string;
  readonly title: string;
  readonly baseUrl: string;
  readonly hasCredential: boolean;
  readonly simulated: boolean;
  readonly documentation: string;
  /** What it does on some model. */
  readonly operations: readonly Operation[];
  /** Models with a price. */
  readonly models: number;
  /** Why its credential is not used for now; null: it is. */
  readonly quarantined: 'auth' | 'credit' | null;
}

/** One provider's model that may answer, in the order in which they are tried. */
export interface RouteCandidate {
  readonly provider: string;
  readonly model: string;
  /** `ready`, or why it is passed over. */
  readonly state: 'ready' | 'cannot' | 'unpriced' | Unavailable['type'];
  /** When it may be called again; null where no time is known. */
  readonly untilMs: number | null;
  /** The price item that a call would be held at; null: none. */
  readonly priceId: string | null;
}

export interface RouteView {
  readonly resolvedFrom: 'model' | 'name' | 'alias';
  readonly candidates: readonly RouteCandidate[];
}

/** @param models the provider's priced ones, as it knows them */
function offeredBy(
  { definition }: ConfiguredProvider,
  models: readonly string[],
): readonly Operation[] {
  const known = [...models, ...(definition.mediaModels ?? []).map(({ id }) => id)];
  return OPERATIONS.filter((operation) =>
    known.some((model) => isServedBy(definition, operation, model)),
  );
}

/** Every configured provider, by id. */
export function viewProviders(gateway: Routed): readonly ProviderView[] {
  const nowMs = gateway.clock.nowMs();
  const listed = gateway.catalog.list(nowMs);
  return [...gateway.providers.values()]
    .map((provider): ProviderView => {
      const { definition, baseUrl, credential, simulated } = provider;
      const { id, title, documentation } = definition;
      const models = listed
        .filter((model) => model.ownedBy === id && model.candidates === null)
        .map((model) => model.id.slice(id.length + 1));
      const target = gateway.routing.targetOf({ provider, model: '' });
      const standing = gateway.routing.health.unavailable(target, nowMs);
      return {
        id,
        title,
        baseUrl,
        hasCredential: credential !== null,
        simulated,
        documentation,
        operations: offeredBy(provider, models),
        models: models.length,
        quarantined: standing?.type === 'quarantined' ? standing.reason : null,
      };
    })
    .toSorted((one, other) => (one.id < other.id ? -1 : 1));
}

function untilOf(standing: Unavailable): number | null {
  switch (standing.type) {
    case 'cooled':
      return standing.untilMs;
    case 'open':
      return standing.probeAtMs;
    case 'quarantined':
      return null;
    default:
      return standing satisfies never;
  }
}

/** What a call for the operation would find under that name; null for a name that is not known. */
export function viewRoute(gateway: Routed, name: string, operation: Operation): RouteView | null {
  const resolved = gateway.catalog.resolve(name);
  const [first] = resolved ?? [];
  if (resolved === null || first === undefined) return null;
  const nowMs = gateway.clock.nowMs();
  const candidates = resolved.map(({ provider: id, model }): RouteCandidate => {
    const price = gateway.catalog.priceOf(id, model, nowMs);
    const base = { provider: id, model, untilMs: null, priceId: price?.id ?? null };
    const provider = gateway.providers.get(id);
    if (provider === undefined || !isServedBy(provider.definition, operation, model)) {
      return { ...base, state: 'cannot' };
    }
    const target = gateway.routing.targetOf({ provider, model });
    const standing = gateway.routing.health.unavailable(target, nowMs);
    if (standing !== null) return { ...base, state: standing.type, untilMs: untilOf(standing) };
    return { ...base, state: price === null ? 'unpriced' : 'ready' };
  });
  const firstName = `${first.provider}/${first.model}`;
  const resolvedFrom = firstName === name ? 'model' : first.model === name ? 'name' : 'alias';
  return { resolvedFrom, candidates };
}
