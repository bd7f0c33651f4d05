/**
 * Function calls that arrive in pieces: `partialArgs` name a place by JSON path and a value for it, strings in
 * several pieces; `willContinue` says that more follows.
 * https://docs.cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling (streaming arguments)
 *
 * @module
 */
import { asRecord, asRecords, asText, type JsonRecord } from './json.ts';

/** Arrays longer than this are not built from paths: an index alone must not cost memory. */
const ARRAY_INDEX_MAX = 100_000;

type Step = string | number;

/** A node is a map or a list, so that no name in a path can reach a prototype. */
type Node = Map<string, unknown> | unknown[];

const PATH_STEP = /\.([^.[\]]+)|\[(\d{1,6})\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]/y;

/** Steps of a path such as `$.items[0].name`; null when it is not one. */
function parsePath(path: string): readonly Step[] | null {
  if (!path.startsWith('$')) return null;
  const steps: Step[] = [];
  PATH_STEP.lastIndex = 1;
  while (PATH_STEP.lastIndex < path.length) {
    const found = PATH_STEP.exec(path);
    if (found === null) return null;
    const quoted = (found[3] ?? found[4])?.replaceAll(/\\(.)/g, '$1');
    steps.push(found[2] === undefined ? (found[1] ?? quoted ?? '') : Number(found[2]));
  }
  return steps.some((step) => typeof step === 'number' && step > ARRAY_INDEX_MAX) ? null : steps;
}

function getAt(node: Node, step: Step): unknown {
  if (Array.isArray(node)) return typeof step === 'number' ? node[step] : undefined;
  return node.get(String(step));
}

function setAt(node: Node, step: Step, value: unknown): void {
  if (!Array.isArray(node)) node.set(String(step), value);
  else if (typeof step === 'number') node[step] = value;
}

function isNode(value: unknown): value is Node {
  return value instanceof Map || Array.isArray(value);
}

function toJson(value: unknown): unknown {
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([name, member]) => [String(name), toJson(member)]));
  }
  return Array.isArray(value) ? Array.from(value, (member) => toJson(member) ?? null) : value;
}

function valueOf(piece: JsonRecord): unknown {
  if (typeof piece['stringValue'] === 'string') return piece['stringValue'];
  if (typeof piece['numberValue'] === 'number') return piece['numberValue'];
  if (typeof piece['boolValue'] === 'boolean') return piece['boolValue'];
  return 'nullValue' in piece ? null : undefined;
}

/** Arguments of one call, gathered until the call is complete. */
export class ArgumentsBuilder {
  readonly #root = new Map<string, unknown>();
  #openPath: string | null = null;

  /** Takes a whole `args` object in. */
  assign(args: JsonRecord): void {
    for (const [name, value] of Object.entries(args)) this.#root.set(name, value);
  }

  /** Takes the `partialArgs` of one piece in; pieces that name no place or no value change nothing. */
  apply(partialArgs: unknown): void {
    for (const piece of asRecords(partialArgs)) {
      const path = asText(piece['jsonPath']) ?? '';
      const value = valueOf(piece);
      const steps = parsePath(path);
      if (value !== undefined && steps !== null && steps.length > 0) {
        this.#set(steps, value, path === this.#openPath);
      }
      this.#openPath = piece['willContinue'] === true ? path : null;
    }
  }

  #set(steps: readonly Step[], value: unknown, append: boolean): void {
    let node: Node = this.#root;
    for (const [place, step] of steps.entries()) {
      const next = steps[place + 1];
      if (next === undefined) {
        const present = getAt(node, step);
        const joins = append && typeof present === 'string' && typeof value === 'string';
        setAt(node, step, joins ? present + value : value);
        return;
      }
      const child = getAt(node, step);
      const opened: Node = isNode(child) ? child : typeof next === 'number' ? [] : new Map();
      if (opened !== child) setAt(node, step, opened);
      node = opened;
    }
  }

  /** The arguments as JSON text. */
  toString(): string {
    return JSON.stringify(toJson(this.#root));
  }
}

/** Whole arguments as JSON text; Gemini leaves `args` out when there are none. */
export function argumentsJsonOf(args: unknown): string {
  return JSON.stringify(asRecord(args) ?? {});
}

/** What an id depends on: the same bytes read again give the same id. */
export interface CallPlace {
  readonly index: number;
  readonly choice: number;
  readonly responseId: string | null;
}

/** Id for a call that came without one, as Gemini before generation 3 sends it. */
export function generatedCallId(place: CallPlace): string {
  const choice = place.choice === 0 ? '' : `c${place.choice}`;
  const answer = (place.responseId ?? '').replaceAll(/[^A-Za-z0-9_-]/g, '').slice(0, 40);
  return `call_${place.index}${choice}_${answer}`;
}

/** True for ids of {@link generatedCallId}: the provider never saw them. Its own look like `call_883098`. */
export function isGeneratedCallId(id: string): boolean {
  return /^call_\d+(?:c\d+)?_/.test(id);
}
