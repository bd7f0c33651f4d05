/**
 * Mends chat stream chunks that official clients would misread: a missing delta or role, tool deltas without index, id or
 * type, a finish reason said twice (rules R5, R6).
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

/** What the stream has shown of one choice so far. */
export interface ChoiceProgress {
  hasRole: boolean;
  finishReason: string | null;
  /** Tool calls begun, by wire index; the value is true once id, type and name went out. */
  readonly toolIndexes: Set<number>;
  lastToolIndex: number;
}

export function newChoiceProgress(): ChoiceProgress {
  return { hasRole: false, finishReason: null, toolIndexes: new Set(), lastToolIndex: -1 };
}

function indexOfTool(tool: ChatToolDelta, progress: ChoiceProgress): number {
  if (typeof tool.index === 'number') return tool.index;
  const begins = typeof tool.id === 'string' && tool.id !== '';
  return begins || progress.lastToolIndex === -1
    ? progress.toolIndexes.size
    : progress.lastToolIndex;
}

/** Completes one tool delta. @returns true when it had to be changed */
function normaliseTool(tool: ChatToolDelta, progress: ChoiceProgress, idPrefix: string): boolean {
  const index = indexOfTool(tool, progress);
  let changed = false;
  if (tool.index !== index) {
    tool.index = index;
    changed = true;
  }
  progress.lastToolIndex = index;
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
    delta = choice.delta = {};
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
    isPresent(delta.audio)
  );
}
