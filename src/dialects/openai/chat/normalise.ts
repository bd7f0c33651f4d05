/**
 * Mends chat stream chunks that official clients would misread: a missing delta or role, tool deltas without index, id or
 * type or with the index of another call, a finish reason said twice (rules R5, R6).
 *
 * @module
 */

export interface ChatToolDelta {
  index?: unknown;
  id?: unknown;
  type?: unknown;
  function?: { name?: unknown; arguments?: unknown };
}

export interface ChatDelta {
  role?: unknown;
  content?: unknown;
  refusal?: unknown;
  reasoning?: unknown;
  reasoning_content?: unknown;
  audio?: unknown;
  tool_calls?: ChatToolDelta[] | null;
  [member: string]: unknown;
}

export interface ChatChunkChoice {
  index?: number;
  delta?: ChatDelta | null;
  message?: unknown;
  finish_reason?: unknown;
  [member: string]: unknown;
}

export interface ChatChunk {
  id?: unknown;
  object?: unknown;
  created?: unknown;
  model?: unknown;
  choices?: ChatChunkChoice[] | null;
  usage?: unknown;
  service_tier?: unknown;
  error?: unknown;
  [member: string]: unknown;
}

/** A tool call begun: the id that the provider gave it, and its index for the client. */
interface BegunTool {
  readonly id: string | null;
  readonly index: number;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** Whether there is no such member, or a list of what passes. */
function isListOf(value: unknown, passes: (entry: unknown) => boolean): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.every(passes));
}

function isChoice(value: unknown): boolean {
  if (!isObject(value)) return false;
  const delta = value['delta'] ?? null;
  return delta === null || (isObject(delta) && isListOf(delta['tool_calls'], isObject));
}

/** Whether what was parsed has the form of a chunk as far as its choices, deltas and tool deltas go. */
export function isReadable({ choices }: ChatChunk): boolean {
  return isListOf(choices, isChoice);
}

/** What the stream has shown of one choice so far. */
export interface ChoiceProgress {
  hasRole: boolean;
  finishReason: string | null;
  /** Indexes of the calls whose id, type and name went out. */
  readonly toolIndexes: Set<number>;
  /** The latest call at each index of the provider's. */
  readonly toolAt: Map<number, BegunTool>;
  lastTool: BegunTool | null;
}

export function newChoiceProgress(): ChoiceProgress {
  return {
    hasRole: false,
    finishReason: null,
    toolIndexes: new Set(),
    toolAt: new Map(),
    lastTool: null,
  };
}

/** The call that a delta begins: servers that number all their calls alike get indexes of their own. */
function beginTool(id: string | null, wire: number | null, progress: ChoiceProgress): BegunTool {
  const { toolIndexes } = progress;
  let index = wire ?? toolIndexes.size;
  if (toolIndexes.has(index)) index = toolIndexes.size;
  while (toolIndexes.has(index)) index += 1;
  return { id, index };
}

/** The call that a delta belongs to; one with another id, and a name where it has an index, begins a new one. */
function toolOf(tool: ChatToolDelta, progress: ChoiceProgress): BegunTool {
  const wire = typeof tool.index === 'number' ? tool.index : null;
  const id = typeof tool.id === 'string' && tool.id !== '' ? tool.id : null;
  const known = wire === null ? progress.lastTool : progress.toolAt.get(wire);
  const isOther =
    known !== undefined &&
    known !== null &&
    id !== null &&
    id !== known.id &&
    (wire === null || (known.id !== null && (tool.function?.name ?? '') !== ''));
  const belongs =
    known === undefined || known === null || isOther ? beginTool(id, wire, progress) : known;
  if (wire !== null) progress.toolAt.set(wire, belongs);
  progress.lastTool = belongs;
  return belongs;
}

/** Completes one tool delta. @returns true when it had to be changed */
function normaliseTool(tool: ChatToolDelta, progress: ChoiceProgress, idPrefix: string): boolean {
  const { index } = toolOf(tool, progress);
  let changed = false;
  if (tool.index !== index) {
    tool.index = index;
    changed = true;
  }
  const given = tool.function?.arguments;
  if (typeof given === 'object' && given !== null) {
    tool.function = { ...tool.function, arguments: JSON.stringify(given) };
    changed = true;
  }
  if (progress.toolIndexes.has(index)) return changed;
  progress.toolIndexes.add(index);
  if (typeof tool.id !== 'string' || tool.id === '') {
    tool.id = `call_${idPrefix}_${index}`;
    changed = true;
  }
  if (tool.type !== 'function' && tool.type !== 'custom') {
    tool.type = 'function';
    changed = true;
  }
  return changed;
}

function isDelta(message: unknown): message is ChatDelta {
  return isObject(message) && !Array.isArray(message);
}

/**
 * Brings one choice of a chunk into the form every client reads, and notes its progress.
 *
 * @returns true when the choice was changed and its frame must be written anew
 */
export function normaliseChoice(
  choice: ChatChunkChoice,
  progress: ChoiceProgress,
  idPrefix: string,
): boolean {
  let changed = false;
  let delta = choice.delta ?? null;
  if (delta === null) {
    // Some servers send a whole message in a stream.
    const { message } = choice;
    delta = choice.delta = isDelta(message) && !progress.hasRole ? message : {};
    changed = true;
  }
  if (!progress.hasRole) {
    if (typeof delta.role !== 'string' || delta.role === '') {
      delta.role = 'assistant';
      changed = true;
    }
    progress.hasRole = true;
  }
  for (const tool of delta.tool_calls ?? []) {
    if (normaliseTool(tool, progress, idPrefix)) changed = true;
  }
  const reason = choice.finish_reason;
  if (typeof reason === 'string') {
    if (reason === '' || progress.finishReason !== null) {
      choice.finish_reason = null;
      changed = true;
    } else {
      progress.finishReason = reason;
    }
  }
  return changed;
}

/** True when the choice carries something the caller would see. */
export function choiceHasContent(choice: ChatChunkChoice): boolean {
  if (typeof choice.finish_reason === 'string' && choice.finish_reason !== '') return true;
  const delta = choice.delta ?? {};
  if ((delta.tool_calls?.length ?? 0) > 0) return true;
  const isPresent = (value: unknown): boolean =>
    typeof value === 'string'
      ? value !== ''
      : Array.isArray(value)
        ? value.length > 0
        : value !== null && value !== undefined;
  return (
    isPresent(delta.content) ||
    isPresent(delta.refusal) ||
    isPresent(delta.reasoning) ||
    isPresent(delta.reasoning_content) ||
    isPresent(delta.audio) ||
    isPresent(delta['function_call'])
  );
}
