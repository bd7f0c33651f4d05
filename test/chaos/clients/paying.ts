/**
 * Clients that pay with credits: one out of them alone, one where its plan ends. They top up, and repeat a top-up whose
 * answer was lost, and now and then one that was answered.
 *
 * @module
 */
import { ADMIN_KEY, type GatewayProcess, makeCustomer } from '../gateway-process.ts';
import { nanoOf } from '../nano-usd.ts';
import { type Books, drawCall, type KillClient, type Site } from './client.ts';

const CUSTOMERS = ['prepaid', 'backed'] as const;

interface TopUp {
  readonly customer: (typeof CUSTOMERS)[number];
  readonly reference: string;
  readonly nanoUsd: bigint;
}

interface Wallet {
  readonly balance: string;
  readonly held: string;
}

function usdOf(nanoUsd: bigint): string {
  return `0.${nanoUsd.toString().padStart(9, '0')}`;
}

export class PayingClient implements KillClient {
  readonly name = 'paying';
  readonly weight = 3;
  /** Acknowledged or not: in the end each of them is granted once. */
  readonly #asked: TopUp[] = [];
  readonly #unanswered: TopUp[] = [];
  /** The last that was granted. */
  #answered: TopUp | null = null;
  #repeated = 0;
  #keys: readonly string[] = [];

  get keys(): readonly string[] {
    return this.#keys;
  }

  counts(): Readonly<Record<string, number>> {
    return {
      'top-ups, each granted once': this.#asked.length,
      '… asked for again although answered': this.#repeated,
    };
  }

  async prepare(gateway: GatewayProcess, cycles: number): Promise<void> {
    const amount = usdOf(BigInt(cycles) * 500_000n);
    this.#keys = [
      await makeCustomer(gateway, 'prepaid', { funding: 'wallet', limits: [] }),
      await makeCustomer(gateway, 'backed', {
        funding: 'plan_then_wallet',
        limits: [{ meter: 'cost_usd', window: 'period', amount }],
      }),
    ];
  }

  async act(site: Site): Promise<void> {
    const { caller, random, nextTag, note } = site;
    const which = random.next() < 0.6 ? 0 : 1;
    if (random.next() < 0.2) return await this.#topUp(site, which);
    return note(await caller.call(this.#keys[which] ?? '', drawCall(random, nextTag())));
  }

  async finish(site: Site): Promise<void> {
    for (const topUp of this.#unanswered.splice(0)) await this.#grant(site, topUp);
    if (this.#unanswered.length > 0) site.violate('a top-up is never answered');
  }

  /** What was topped up is what is left and what credits bore. */
  async check({ gateway, stories }: Books): Promise<readonly string[]> {
    let left = 0n;
    for (const customer of CUSTOMERS) {
      const wallet = await gateway.admin<Wallet>(`GET /customers/${customer}/wallet`);
      left += nanoOf(wallet.balance) + nanoOf(wallet.held);
    }
    const granted = this.#asked.reduce((sum, { nanoUsd }) => sum + nanoUsd, 0n);
    const used = stories.reduce((sum, { creditNanoUsd }) => sum + creditNanoUsd, 0n);
    return granted === left + used
      ? []
      : [`topped up ${granted} nano-USD, but ${left} are left and ${used} were used`];
  }

  async #topUp(site: Site, which: number): Promise<void> {
    const again = this.#unanswered.shift();
    if (again !== undefined) return await this.#grant(site, again);
    const known = this.#answered;
    if (known !== null && site.random.next() < 0.25) {
      this.#repeated += 1;
      return await this.#grant(site, known);
    }
    const topUp = {
      customer: CUSTOMERS[which] ?? 'prepaid',
      reference: site.nextTag(),
      nanoUsd: BigInt(site.random.integer(100_000, 4_000_000)),
    };
    this.#asked.push(topUp);
    return await this.#grant(site, topUp);
  }

  async #grant({ caller, violate }: Site, topUp: TopUp): Promise<void> {
    const { customer, reference, nanoUsd } = topUp;
    const reply = await caller.send(
      ADMIN_KEY,
      `POST /admin/v1/customers/${customer}/wallet/grants`,
      {
        body: { amount: usdOf(nanoUsd), reference },
      },
    );
    if (reply === null) this.#unanswered.push(topUp);
    else if (reply.status === 201) this.#answered = topUp;
    else violate(`top-up ${reference}: ${JSON.stringify(reply).slice(0, 200)}`);
  }
}
