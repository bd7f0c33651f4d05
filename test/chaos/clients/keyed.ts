/**
 * Clients that send an `Idempotency-Key` and repeat what a kill, a broken connection or their own leaving cut off, until
 * they are told how it ended; some repeat what they have been answered, some another request under the key.
 *
 * @module
 */
import type { CallResult, ChatCall } from '../chat-caller.ts';
import { type GatewayProcess, makeCustomer } from '../gateway-process.ts';
import { drawCall, type KillClient, type Site, tightLimits, WIDE_LIMITS } from './client.ts';

interface KeyedCall {
  readonly apiKey: string;
  readonly call: ChatCall;
  repetitions: number;
  /** The whole answer that the client has. */
  answer: CallResult | null;
}

/** Beyond that a client gives up; the last start asks once more. */
const MAX_REPETITIONS = 8;
const OTHER_BODY_SHARE = 0.06;

export class KeyedClient implements KillClient {
  readonly name = 'keyed';
  readonly weight = 5;
  readonly #open: KeyedCall[] = [];
  #wide = '';
  #tight = '';

  get keys(): readonly string[] {
    return [this.#wide, this.#tight];
  }

  async prepare(gateway: GatewayProcess, cycles: number): Promise<void> {
    this.#wide = await makeCustomer(gateway, 'keyed-wide', WIDE_LIMITS);
    this.#tight = await makeCustomer(gateway, 'keyed-tight', tightLimits(cycles));
  }

  async act(site: Site): Promise<void> {
    const { random } = site;
    const again = random.next() < 0.6 ? this.#open.shift() : undefined;
    if (again === undefined) return await this.#send(site, this.#newCall(site));
    again.repetitions += 1;
    if (again.answer !== null && random.next() < OTHER_BODY_SHARE) {
      return await this.#sendOther(site, again);
    }
    return await this.#send(site, again);
  }

  async finish(site: Site): Promise<void> {
    for (const one of this.#open.splice(0)) {
      one.repetitions += 1;
      const { end, code } = await this.#repeat(site, one);
      if (end !== 'whole' && (code === null || code === 'idempotency_in_flight')) {
        site.violate(`${one.call.tag}: its key does not say how it ended: ${end}, ${code}`);
      }
    }
  }

  #newCall({ random, nextTag }: Site): KeyedCall {
    const tag = nextTag();
    const call = { ...drawCall(random, tag), idempotencyKey: `key-${tag}` };
    const apiKey = random.next() < 0.2 ? this.#tight : this.#wide;
    return { apiKey, call, repetitions: 0, answer: null };
  }

  async #send(site: Site, one: KeyedCall): Promise<void> {
    const result = await this.#repeat(site, one);
    if (one.repetitions < MAX_REPETITIONS && wantsMore(result, site)) this.#open.push(one);
  }

  async #repeat(site: Site, one: KeyedCall): Promise<CallResult> {
    const { call, answer } = one;
    // Whoever comes back stays.
    const leaveAfterMs = one.repetitions === 0 ? call.leaveAfterMs : null;
    const result = await site.caller.call(one.apiKey, { ...call, leaveAfterMs });
    site.note(result);
    if (result.end === 'whole' && answer !== null && !result.replayed) {
      site.violate(`${call.tag}: answered anew under a key that had its answer`);
    }
    if (result.end === 'error' && answer !== null) {
      site.violate(`${call.tag}: answered once, then ${result.status} ${result.code}`);
    }
    if (result.end === 'whole') one.answer = result;
    return result;
  }

  /** Another request under a key that has its answer; it must reach nobody. */
  async #sendOther(site: Site, one: KeyedCall): Promise<void> {
    const { caller, note } = site;
    const other = { ...one.call, maxTokens: one.call.maxTokens + 1, leaveAfterMs: null };
    const result = await caller.call(one.apiKey, other);
    note(result);
    if (result.end !== 'cut' && result.code !== 'idempotency_mismatch') {
      site.violate(`${other.tag}: another body under its key got ${result.status} ${result.code}`);
    }
    this.#open.push(one);
  }
}

/** What was cut off is taken up again; now and then what was answered, too. */
function wantsMore({ end, code }: CallResult, { random }: Site): boolean {
  switch (end) {
    case 'cut':
    case 'left':
      return true;
    case 'whole':
      return random.next() < 0.15;
    case 'error':
      if (code === 'idempotency_completed') return false;
      return code === 'idempotency_in_flight' || random.next() < 0.3;
    default:
      return end satisfies never;
  }
}
