/**
 * The simulator's own HTTP surface under `/__simulator`: its log, single calls, its scripts, a fresh start.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http';
import { faultsOf, type FaultInput } from './fault-grammar.ts';
import type { FaultMatch, FaultRule, FaultRules } from './fault-rules.ts';
import {
  decodeSegment,
  isJsonObject,
  listOf,
  numberOf,
  objectOf,
  parseJson,
  stringOf,
  type JsonObject,
} from './json.ts';
import type { JobBoard } from './job-board.ts';
import type { SimulatorLog } from './log.ts';

export interface ControlledSimulator {
  readonly log: SimulatorLog;
  readonly rules: FaultRules;
  readonly startedAtMs: number;
  readonly jobs: JobBoard;
}

export interface ControlReply {
  readonly status: number;
  readonly body: string;
}

function reply(status: number, value: unknown): ControlReply {
  return { status, body: JSON.stringify(value) };
}

function matchOf(input: JsonObject): FaultMatch {
  const match: Record<string, string> = {};
  for (const name of ['family', 'model', 'path', 'keyLast4'] as const) {
    const value = stringOf(input[name]);
    if (value !== null) match[name] = value;
  }
  return match;
}

/**
 * A script as JSON: `{match?, sequence, repeat?, forMs?, percent?}`, or `{match?, fault}` for one that stays.
 *
 * @throws TypeError naming what cannot be read
 */
export function ruleOf(input: unknown): FaultRule {
  if (!isJsonObject(input)) throw new TypeError('A fault rule is a JSON object');
  const single = input['fault'];
  const steps = single === undefined ? listOf(input['sequence']) : [single];
  if (steps.length === 0) throw new TypeError('A fault rule needs `sequence` or `fault`');
  const sequence: (FaultInput | null)[] = steps.map((step) =>
    step === null ? null : faultsOf(step),
  );
  const repeat = input['repeat'] ?? (single === undefined ? false : 'last');
  const forMs = numberOf(input['forMs']);
  const percent = numberOf(input['percent']);
  return {
    match: matchOf(objectOf(input['match'])),
    sequence,
    repeat: repeat === 'last' ? 'last' : repeat === true,
    ...(forMs === null ? {} : { forMs }),
    ...(percent === null ? {} : { percent }),
  };
}

function setRules(simulator: ControlledSimulator, body: Buffer): ControlReply {
  try {
    const input = parseJson(body.toString('utf8'));
    const rules = (Array.isArray(input) ? listOf(input) : [input]).map(ruleOf);
    for (const rule of rules) simulator.rules.set(rule);
    return reply(200, { ok: true, rules: rules.length });
  } catch (error) {
    return reply(400, { error: error instanceof Error ? error.message : String(error) });
  }
}

/** Below a family's prefix too, so that a provider's base address finds it. */
const CALLS = /^(?:\/[a-z]+)?\/__simulator\/calls\/([^/]+)$/;

/** What became of the calls with this id of the caller's: as a provider tells it that keeps a record of single calls. */
function findCalls({ log, startedAtMs }: ControlledSimulator, id: string): ControlReply {
  const calls = log.entries.filter(({ clientRequestId }) => clientRequestId === id);
  const data = calls.map(({ id: callId, model, outcome, status, billed }) => ({
    id: callId,
    model,
    outcome,
    status,
    billed,
  }));
  return reply(200, { started_at_ms: startedAtMs, data });
}

/** The answer to a control call; null for every other path. */
export function answerControl(
  simulator: ControlledSimulator,
  request: IncomingMessage,
  body: Buffer,
): ControlReply | null {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  const [, id] = CALLS.exec(path) ?? [];
  if (id !== undefined && request.method === 'GET') return findCalls(simulator, decodeSegment(id));
  if (!path.startsWith('/__simulator/')) return null;
  switch (`${request.method ?? 'GET'} ${path.slice('/__simulator/'.length)}`) {
    case 'GET log':
      return reply(200, { entries: simulator.log.entries });
    case 'GET jobs':
      return reply(200, { jobs: simulator.jobs.entries() });
    case 'POST faults':
      return setRules(simulator, body);
    case 'POST reset':
      simulator.rules.clear();
      simulator.log.clear();
      simulator.jobs.clear();
      return reply(200, { ok: true });
    default:
      return reply(404, {
        error: 'Known: GET log, GET jobs, GET calls/{client request id}, POST faults, POST reset',
      });
  }
}
