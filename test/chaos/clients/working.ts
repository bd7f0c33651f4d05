/**
 * Clients that have clips and pictures made as jobs, by a provider of their own: they repeat under its key what was cut
 * off, cancel some, and wait for the end of others.
 *
 * @module
 */
import { createSimulator, type Simulator } from '../../../src/simulators/index.ts';
import { eventually, type GatewayProcess, makeCustomer } from '../gateway-process.ts';
import { compareBooks, type ShownJob } from '../job-books.ts';
import { JOB_FAULTS, JOB_KINDS, type JobKind, promptOf } from '../job-kinds.ts';
import { type Books, type KillClient, type Site, WIDE_LIMITS } from './client.ts';

/** What a provider with a list takes is never in doubt, so every end is known. */
const KINDS = JOB_KINDS.filter(({ family }) => family === 'sim');
const STATES_TO_COME: ReadonlySet<string> = new Set(['queued', 'running']);
/** Most of them do not wait: a lane that waits calls nothing else. */
const WAITING_SHARE = 0.1;
const CANCELLED_SHARE = 0.1;

interface AskedJob {
  readonly mark: string;
  readonly kind: JobKind;
  readonly prompt: string;
}

export class WorkingClient implements KillClient {
  readonly name = 'working';
  readonly weight = 3;
  #simulator: Simulator | null = null;
  #key = '';
  readonly #asked = new Map<string, JobKind>();
  readonly #told = new Set<string>();
  readonly #cutOff: AskedJob[] = [];
  #repeated = 0;

  get keys(): readonly string[] {
    return [this.#key];
  }

  counts(): Readonly<Record<string, number>> {
    const taken = this.#simulator?.jobs() ?? [];
    return {
      'jobs asked for': this.#asked.size,
      '… repeated after a kill': this.#repeated,
      '… taken by their provider': taken.length,
      '… billed': taken.filter(({ isBilled }) => isBilled).length,
    };
  }

  async open(seed: string): Promise<Readonly<Record<string, string>>> {
    this.#simulator = await createSimulator({ seed, faults: JOB_FAULTS });
    return { SIM_BASE_URL: `${this.#simulator.url}/sim` };
  }

  async close(): Promise<void> {
    await this.#simulator?.close();
  }

  async prepare(gateway: GatewayProcess): Promise<void> {
    this.#key = await makeCustomer(gateway, 'working', [...WIDE_LIMITS]);
  }

  async act(site: Site): Promise<void> {
    const again = site.random.next() < 0.5 ? this.#cutOff.shift() : undefined;
    if (again !== undefined) return await this.#repeat(site, again);
    const { random } = site;
    const waits = random.next() < WAITING_SHARE;
    const kind = KINDS.find((one) => one.waits === waits) ?? JOB_KINDS[0];
    const mark = site.nextTag();
    this.#asked.set(mark, kind);
    const id = await this.#ask(site, { mark, kind, prompt: promptOf(mark, kind, random) });
    if (id === null || random.next() >= CANCELLED_SHARE) return;
    // Too late is as good as in time; what is cut off is not asked for again.
    await site.caller.send(this.#key, `POST /v1/jobs/${id}/cancel`, { body: {} });
  }

  async finish(site: Site): Promise<void> {
    this.#simulator?.clearFaults();
    for (const one of this.#cutOff.splice(0)) await this.#repeat(site, one);
    if (this.#cutOff.length > 0) site.violate(`${this.#cutOff.length} jobs are never answered`);
    await eventually(async () => {
      const jobs = await this.#jobs((path) => site.caller.get(this.#key, path));
      return jobs.every(({ status }) => !STATES_TO_COME.has(status));
    });
  }

  async check({ gateway, stories }: Books): Promise<readonly string[]> {
    const headers = { authorization: `Bearer ${this.#key}` };
    const jobs = await this.#jobs(async (path) =>
      (await fetch(`${gateway.url}${path}`, { headers })).json(),
    );
    const entries = this.#simulator?.jobs() ?? [];
    const books = compareBooks(this.#asked, this.#told, { jobs, entries });
    const booked = stories
      .filter(({ tag }) => this.#asked.has(tag))
      .reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0n);
    return [
      ...books.lost,
      ...books.doubleSubmitted,
      ...books.wronglyCharged,
      ...(booked === books.dueNanoUsd
        ? []
        : [`jobs: ${booked} nano-USD are booked, ${books.dueNanoUsd} are due`]),
    ];
  }

  async #repeat(site: Site, one: AskedJob): Promise<void> {
    this.#repeated += 1;
    await this.#ask(site, one);
  }

  /** @returns the job; null where the client waited for its end, or was told nothing */
  async #ask({ caller }: Site, one: AskedJob): Promise<string | null> {
    const { mark, kind, prompt } = one;
    const reply = await caller.send<{ readonly id?: string }>(this.#key, `POST ${kind.path}`, {
      body: { ...kind.body, prompt },
      headers: {
        'idempotency-key': mark,
        'x-gateway-tags': JSON.stringify({ call: mark, mark }),
      },
    });
    if (reply === null) this.#cutOff.push(one);
    else if (reply.status < 300) this.#told.add(mark);
    return kind.waits ? null : (reply?.json.id ?? null);
  }

  async #jobs(get: (path: `/${string}`) => Promise<unknown>): Promise<readonly ShownJob[]> {
    const found: ShownJob[] = [];
    let cursor = '';
    do {
      const page = (await get(`/v1/jobs?limit=100${cursor}`)) as {
        readonly data: readonly ShownJob[];
        readonly next_cursor: string | null;
      };
      found.push(...page.data);
      cursor = page.next_cursor === null ? '' : `&cursor=${page.next_cursor}`;
    } while (cursor !== '');
    return found;
  }
}
