/**
 * Clients that never repeat a call: one customer that never reaches a limit, and one that keeps running into them.
 *
 * @module
 */
import { type GatewayProcess, makeCustomer } from '../gateway-process.ts';
import { drawCall, type KillClient, type Site, tightLimits, WIDE_LIMITS } from './client.ts';

export class PlainClient implements KillClient {
  readonly name = 'plain';
  readonly weight = 6;
  #wide = '';
  #tight = '';

  get keys(): readonly string[] {
    return [this.#wide, this.#tight];
  }

  async prepare(gateway: GatewayProcess, cycles: number): Promise<void> {
    this.#wide = await makeCustomer(gateway, 'wide', WIDE_LIMITS);
    this.#tight = await makeCustomer(gateway, 'tight', tightLimits(cycles));
  }

  async act({ caller, random, nextTag, note }: Site): Promise<void> {
    const key = random.next() < 0.3 ? this.#tight : this.#wide;
    note(await caller.call(key, drawCall(random, nextTag())));
  }
}
