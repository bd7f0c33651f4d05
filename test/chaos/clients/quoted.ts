/**
 * Clients that take a quote which holds, and call under it; some give it back, some let it expire, some come again with
 * a token whose call was cut off.
 *
 * @module
 */
import { drawCall, type KillClient, type Site, WIDE_LIMITS } from './client.ts';
import { isLimitRefusal } from '../reckoning.ts';
import { type GatewayProcess, makeCustomer } from '../gateway-process.ts';
import type { ChatCall } from '../chat-caller.ts';

/** Short, so that what a lost reply left held is free again before the books are closed. */
const TTL_SECONDS = 4;
/** More than the bytes of any prompt here. */
const INPUT_TOKENS = 600;

interface Quote {
  readonly id: string;
  readonly hold: { readonly token: string } | null;
}

export class QuotedClient implements KillClient {
  readonly name = 'quoted';
  readonly weight = 3;
  readonly #cutOff: ChatCall[] = [];
  #key = '';

  get keys(): readonly string[] {
    return [this.#key];
  }

  async prepare(gateway: GatewayProcess): Promise<void> {
    this.#key = await makeCustomer(gateway, 'quoted', [...WIDE_LIMITS]);
  }

  async act(site: Site): Promise<void> {
    const again = site.random.next() < 0.5 ? this.#cutOff.shift() : undefined;
    if (again !== undefined) return await this.#call(site, again);
    const call = drawCall(site.random, site.nextTag());
    const quote = await this.#take(site, call);
    const token = quote?.hold?.token;
    if (quote === null || token === undefined) return;
    const chance = site.random.next();
    if (chance < 0.1) await site.caller.send(this.#key, `DELETE /v1/quotes/${quote.id}`);
    else if (chance > 0.2) await this.#call(site, { ...call, quote: token });
  }

  async #take({ caller, violate }: Site, call: ChatCall): Promise<Quote | null> {
    const operation = {
      id: 'a',
      type: 'text.generate',
      model: call.model,
      input: { tokens: INPUT_TOKENS },
      output: { max_tokens: call.maxTokens },
    };
    const reply = await caller.send<Quote>(this.#key, 'POST /v1/quotes', {
      body: { operations: [operation], hold: { mode: 'all', ttl_s: TTL_SECONDS } },
      headers: { 'x-gateway-tags': JSON.stringify({ call: call.tag }) },
    });
    if (reply === null) return null;
    if (reply.status !== 200 || reply.json.hold === null) {
      violate(`${call.tag}: no quote: ${JSON.stringify(reply).slice(0, 200)}`);
    }
    return reply.json;
  }

  async #call({ caller, note, violate }: Site, call: ChatCall): Promise<void> {
    const result = await caller.call(this.#key, call);
    note(result);
    if (isLimitRefusal(result)) violate(`I12 ${call.tag}: refused ${result.code} under its quote`);
    if (result.end === 'cut') this.#cutOff.push(call);
  }
}
