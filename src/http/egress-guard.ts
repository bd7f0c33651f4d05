/**
 * Which addresses the gateway may call on behalf of somebody else: URLs of webhooks, media, callbacks. Provider
 * base URLs are the operator's own and do not pass here.
 *
 * The address that is dialled is the one that is checked: names are resolved once, inside the connector, and a name
 * with one forbidden address is forbidden. One parser (WHATWG `URL`) serves check and call, so that `0x7f.1`,
 * `2130706433` and `127。0。0。1` are 127.0.0.1 for both.
 *
 * @module
 */
import { lookup as resolveName, type LookupAddress, type LookupOptions } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';

/** What the operator permits beyond public addresses on https. */
export interface EgressPolicy {
  /**
   * Host names and addresses that may be private, on any port and by plain http; `*` permits every host. Compared
   * with the URL's host as the URL parser writes it.
   */
  readonly allowPrivateHosts: readonly string[];
}

/** Why a URL or an address may not be called. For the operator's log; callers are told {@link EGRESS_REFUSAL}. */
export class EgressRefused extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'EgressRefused';
  }
}

/** The one text for whoever named the URL: refused, unresolvable and unreachable must not be told apart. */
export const EGRESS_REFUSAL =
  'must be an https URL whose host can be reached on the public internet (the operator may allow private hosts in egress.allowPrivateHosts)';

/** Prefixes that are no public unicast: the special-purpose registry of IANA, RFC 6890 and its updates. */
const FORBIDDEN_V4: readonly string[] = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
];

/** Within 2000::/3, outside of which all of IPv6 is refused: that covers mapped, NAT64, local and multicast forms. */
const FORBIDDEN_V6: readonly string[] = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];

interface Prefix {
  readonly bits: bigint;
  readonly shift: bigint;
}

function parseV4(text: string): bigint {
  return text.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n);
}

function groupsOf(text: string): readonly bigint[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [BigInt(`0x${group}`)];
    const embedded = parseV4(group);
    return [embedded >> 16n, embedded & 0xffffn];
  });
}

function parseV6(text: string): bigint {
  const [head = '', tail] = text.split('::');
  const front = groupsOf(head);
  const back = tail === undefined ? [] : groupsOf(tail);
  const zeros = Array.from({ length: 8 - front.length - back.length }, () => 0n);
  return [...front, ...zeros, ...back].reduce((sum, group) => (sum << 16n) | group, 0n);
}

function prefixOf(text: string, width: number): Prefix {
  const [address = '', length = '0'] = text.split('/');
  const shift = BigInt(width - Number(length));
  return { bits: (width === 32 ? parseV4(address) : parseV6(address)) >> shift, shift };
}

const V4_PREFIXES = FORBIDDEN_V4.map((text) => prefixOf(text, 32));
const V6_PREFIXES = FORBIDDEN_V6.map((text) => prefixOf(text, 128));
const V6_GLOBAL = prefixOf('2000::/3', 128);

function within(address: bigint, { bits, shift }: Prefix): boolean {
  return address >> shift === bits;
}

/** True for an IP address, without brackets, that is public unicast. False for anything that is no address. */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4: {
      const number = parseV4(address);
      return !V4_PREFIXES.some((prefix) => within(number, prefix));
    }
    case 6: {
      // A zone names an interface of this machine: nothing public has one.
      if (address.includes('%')) return false;
      const number = parseV6(address);
      return within(number, V6_GLOBAL) && !V6_PREFIXES.some((prefix) => within(number, prefix));
    }
    default:
      return false;
  }
}

function bareHost(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
}

/** True when the operator lets this host be private. */
export function isHostAllowed(host: string, { allowPrivateHosts }: EgressPolicy): boolean {
  return allowPrivateHosts.includes('*') || allowPrivateHosts.includes(host);
}

const URL_MAX = 2048;

/**
 * Parses a URL that somebody supplied and checks all that can be known without resolving its name.
 *
 * @throws EgressRefused with the reason
 */
export function checkEgressUrl(text: string, policy: EgressPolicy): URL {
  if (text.length > URL_MAX) throw new EgressRefused(`longer than ${URL_MAX} characters`);
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new EgressRefused('no URL');
  }
  const host = bareHost(url);
  if (url.username !== '' || url.password !== '') throw new EgressRefused('holds a user name');
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new EgressRefused(`scheme ${url.protocol}`);
  }
  if (isHostAllowed(host, policy)) return url;
  if (url.protocol !== 'https:') throw new EgressRefused('not https');
  if (url.port !== '') throw new EgressRefused(`port ${url.port}`);
  if (isIP(host) === 0) {
    if (host === 'localhost' || host.endsWith('.localhost')) {
      throw new EgressRefused('a name of this machine');
    }
  } else if (!isPublicAddress(host)) throw new EgressRefused(`address ${host} is not public`);
  return url;
}

type Resolve = (
  hostname: string,
  options: LookupOptions & { readonly all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * A `lookup` for sockets that gives only checked addresses: one forbidden address among all forbids the name, so
 * that a mixed or changing answer gains nothing. Node does not ask it for literal addresses; {@link checkDialled}
 * covers those.
 */
export function guardedLookup(
  policy: EgressPolicy,
  resolve: Resolve = resolveName as Resolve,
): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, []);
        return;
      }
      const forbidden = isHostAllowed(hostname.replace(/\.$/, ''), policy)
        ? undefined
        : addresses.find(({ address }) => !isPublicAddress(address));
      if (forbidden !== undefined || addresses.length === 0) {
        const where = forbidden === undefined ? 'nothing' : forbidden.address;
        callback(new EgressRefused(`${hostname} resolves to ${where}`), []);
        return;
      }
      if (options.all === true) callback(null, addresses);
      else callback(null, addresses[0]?.address ?? '', addresses[0]?.family ?? 4);
    });
  };
}

/**
 * Last word, on the socket itself: what was dialled must be what may be called.
 *
 * @throws EgressRefused
 */
export function checkDialled(
  host: string,
  remoteAddress: string | undefined,
  policy: EgressPolicy,
): void {
  if (isHostAllowed(host, policy)) return;
  if (remoteAddress === undefined || !isPublicAddress(remoteAddress)) {
    throw new EgressRefused(`${host} was dialled at ${remoteAddress ?? 'an unknown address'}`);
  }
}
