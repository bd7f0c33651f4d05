/**
 * Kinds of clients in the kill loop. A new kind is one file here and one line in `all-clients.ts`.
 *
 * @module
 */
import type { SeededRandom } from '../../../src/simulators/core/random.ts';
import type { CallResult, ChatCall, ChatCaller } from '../chat-caller.ts';
import type { GatewayProcess } from '../gateway-process.ts';
import type { HoldStory } from '../ledger-story.ts';
import { MODELS } from '../kill-world.ts';

/** What a client has for one act: a gateway that may be gone at any moment. */
export interface Site {
  readonly caller: ChatCaller;
  readonly random: SeededRandom;
  /** A mark for a new call, in its prompt and its tags, so that the provider's log and the ledger can be laid together. */
  readonly nextTag: () => string;
  /** Takes over what a call came to. */
  readonly note: (result: CallResult) => void;
  /** Says what must not be. */
  readonly violate: (what: string) => void;
}

/** What is left when nothing is in progress any more. */
export interface Books {
  readonly gateway: GatewayProcess;
  readonly stories: readonly HoldStory[];
}

export interface KillClient {
  readonly name: string;
  /** How often lanes act as it, beside the weights of the others. */
  readonly weight: number;
  /** Keys of its customers, known once it is prepared; their limits are watched. */
  readonly keys: readonly string[];
  /** Starts what it needs behind the gateway. @returns more of the gateway's environment */
  open?(seed: string): Promise<Readonly<Record<string, string>>>;
  /** Ends that. */
  close?(): Promise<void>;
  /** First start of the data's life: makes what it needs. `cycles`: how many kills are to come. */
  prepare(gateway: GatewayProcess, cycles: number): Promise<void>;
  /** One act. What is cut off it may take up again in a later act, against the gateway of that time. */
  act(site: Site): Promise<void>;
  /** What the report tells of it beyond its calls, by name. */
  counts?(): Readonly<Record<string, number>>;
  /** Last start, nothing in progress: takes up for the last time what was cut off. */
  finish?(site: Site): Promise<void>;
  /** What is wrong with the books, as sentences. */
  check?(books: Books): Promise<readonly string[]>;
}

/** A call as all kinds make them: mostly short, most of them streams, one in twenty left by its client. */
export function drawCall(random: SeededRandom, tag: string): ChatCall {
  const isLong = random.next() < 0.05;
  return {
    tag,
    model: random.pick([...MODELS]),
    maxTokens: isLong ? 1500 : random.integer(3, 80),
    stream: random.next() < 0.6,
    leaveAfterMs: random.next() < 0.05 ? random.integer(1, 60) : null,
  };
}

/** Limits that no loop reaches. */
export const WIDE_LIMITS = [
  { meter: 'cost_usd', window: 'period', amount: '1000' },
  { meter: 'requests', window: 'period', amount: 1_000_000 },
  { meter: 'total_tokens', window: 'day', amount: 1_000_000_000 },
  { meter: 'requests', window: 'minute', amount: 1_000_000 },
] as const;

/** Limits that are reached now and then, and used up towards the end. */
export function tightLimits(cycles: number): readonly Readonly<Record<string, unknown>>[] {
  return [
    { meter: 'requests', window: 'period', amount: cycles * 2 },
    { meter: 'cost_usd', window: 'period', amount: `0.${String(cycles * 2000).padStart(6, '0')}` },
    { meter: 'requests', window: 'concurrent', amount: 5 },
  ];
}
