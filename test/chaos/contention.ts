/**
 * 200 calls at once, each worth a hundredth of a limit, against the whole gateway.
 *
 * @module
 */
import { formatUsd } from '../../src/contracts/money.ts';
import { ChatCaller, type CallResult, type ChatCall } from './chat-caller.ts';
import { type GatedUpstream, startGatedUpstream } from './gated-upstream.ts';
import { eventually, GatewayProcess, makeCustomer } from './gateway-process.ts';

export const PARALLEL = 200;
export const SHARE = 100;
/** Calls of the first wave that the provider then refuses, so that what they held is free again. */
export const REFUSED_BY_PROVIDER = 30;

export type ContendedLimit = 'requests' | 'cost_usd';

/** One wave of calls. */
export interface Wave {
  readonly admitted: number;
  readonly refused: readonly CallResult[];
}

export interface ContentionRun {
  readonly first: Wave;
  readonly second: Wave;
  /** How many calls fit once the first wave was settled, by what the gateway then says is used. */
  readonly fitsAfter: number;
  /** Both waves have ended and everything that was free is used. */
  readonly third: Wave;
}

const MAX_TOKENS = 100;

function callOf(tag: string): ChatCall {
  return {
    tag,
    model: 'openai/gpt-4o-mini',
    maxTokens: MAX_TOKENS,
    stream: false,
    leaveAfterMs: null,
  };
}

export class ContentionLab {
  readonly #gateway: GatewayProcess;
  readonly #upstream: GatedUpstream;
  readonly #caller: ChatCaller;
  #customers = 0;
  #serial = 0;

  private constructor(gateway: GatewayProcess, upstream: GatedUpstream) {
    this.#gateway = gateway;
    this.#upstream = upstream;
    this.#caller = new ChatCaller(gateway.url);
  }

  static async open(workDir: string): Promise<ContentionLab> {
    const upstream = await startGatedUpstream();
    const gateway = new GatewayProcess({
      dataDir: `${workDir}/data`,
      workDir,
      port: 0,
      config: { logging: { level: 'error' } },
      openaiUrl: upstream.url,
    });
    return new ContentionLab(await gateway.ready(), upstream);
  }

  async close(): Promise<void> {
    await this.#caller.close();
    await this.#gateway.stop();
    await this.#upstream.close();
  }

  /** One run with a customer of its own. */
  async run(meter: ContendedLimit): Promise<ContentionRun> {
    const bound = meter === 'requests' ? 1n : await this.#boundNanoUsd();
    const limit = bound * BigInt(SHARE);
    const amount = meter === 'requests' ? String(limit) : formatUsd(limit);
    const key = await this.#customer([{ meter, window: 'period', amount }]);
    const first = await this.#wave(key, REFUSED_BY_PROVIDER);
    const used = await this.#used(key, meter);
    const second = await this.#wave(key, 0);
    const third = await this.#wave(key, 0);
    return { first, second, fitsAfter: Number((limit - used) / bound), third };
  }

  async verifies(): Promise<boolean> {
    const report = await this.#gateway.verify();
    return report.ok && report.open_holds === 0;
  }

  async #customer(limits: readonly Readonly<Record<string, unknown>>[]): Promise<string> {
    this.#customers += 1;
    return await makeCustomer(this.#gateway, `contender-${this.#customers}`, limits);
  }

  /** Fires all calls at once; the provider answers when every call is either refused or waits there. */
  async #wave(key: string, refusals: number): Promise<Wave> {
    const before = this.#upstream.received;
    const refused: CallResult[] = [];
    const calls = Array.from({ length: PARALLEL }, async () => {
      this.#serial += 1;
      const tag = String(this.#serial).padStart(8, '0');
      const result = await this.#caller.call(key, callOf(tag));
      if (result.status === 429) refused.push(result);
    });
    const admitted = (): number => this.#upstream.received - before;
    await eventually(() => admitted() + refused.length >= PARALLEL);
    const decided = { admitted: admitted(), refused: [...refused] };
    this.#upstream.release(refusals);
    await Promise.all(calls);
    return decided;
  }

  /** Nano-USD that one such call reserves: a customer without limits of note makes one. */
  async #boundNanoUsd(): Promise<bigint> {
    const key = await this.#customer([{ meter: 'cost_usd', window: 'period', amount: '1000' }]);
    const waiting = this.#caller.call(key, callOf('00000000'));
    await eventually(() => this.#upstream.waiting === 1);
    const held = await this.#limit(key, 'held');
    this.#upstream.release();
    await waiting;
    return held;
  }

  async #used(key: string, meter: ContendedLimit): Promise<bigint> {
    const used = await this.#limit(key, 'used');
    return meter === 'requests' ? used / 1_000_000_000n : used;
  }

  /** What the only limit states, times 10⁹. */
  async #limit(key: string, member: 'used' | 'held'): Promise<bigint> {
    const reply = await this.#caller.get<{
      readonly limits: readonly { readonly used: string; readonly held: string }[];
    }>(key, '/v1/limits');
    const text = reply?.limits[0]?.[member] ?? '0';
    const [whole = '0', fraction = ''] = text.split('.');
    return BigInt(whole) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'));
  }
}
