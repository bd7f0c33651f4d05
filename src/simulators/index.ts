/**
 * Simulators of provider wire protocols, written from the wire facts alone: for tests, demonstrations and the
 * built-in `sim/…` models.
 *
 * @module
 * @example
 * const simulator = await createSimulator({ seed: 1 });
 * simulator.setFault({ match: { model: 'gpt-4o' }, sequence: ['429-retry-after-2', null] });
 * // call `${simulator.url}/openai/v1/chat/completions`
 * await simulator.close();
 */
import type { SimulatorFamily } from './core/family.ts';
import { startSimulator, type Simulator, type SimulatorOptions } from './core/simulator.ts';
import { deepgramFamily } from './deepgram/family.ts';
import { createElevenLabsFamily } from './elevenlabs/family.ts';
import { falFamily } from './fal/family.ts';
import { geminiFamily } from './gemini/family.ts';
import { huggingfaceFamily } from './huggingface/family.ts';
import { openaiFamily } from './openai/family.ts';
import { replicateFamily } from './replicate/family.ts';
import { simFamily } from './sim/family.ts';
import { createStabilityFamily } from './stability/family.ts';
import { wavespeedFamily } from './wavespeed/family.ts';

export type { SimulatorVoice } from './core/family.ts';
export type { Fault, FaultError, FramingFault, RetryWait } from './core/fault.ts';
export type { FaultInput } from './core/fault-grammar.ts';
export type { FaultMatch, FaultRule } from './core/fault-rules.ts';
export type { Latency } from './core/latency.ts';
export type { BoardEntry } from './core/job-board.ts';
export type { SimulatorLogEntry, SimulatorOutcome } from './core/log.ts';
export type { SimulatedUsage } from './core/reply.ts';
export type { Simulator, SimulatorOptions } from './core/simulator.ts';
export { SIMULATED_LABEL } from './core/text.ts';
export { countTokens, splitTokens } from './core/tokens.ts';

/** Families in the order in which they are asked for a path at the root; those that remember work are made anew. */
function families(): readonly SimulatorFamily[] {
  return [
    geminiFamily,
    openaiFamily,
    huggingfaceFamily,
    createStabilityFamily(),
    deepgramFamily,
    createElevenLabsFamily(),
    wavespeedFamily,
    falFamily,
    replicateFamily,
    simFamily,
  ];
}

/**
 * Starts every simulated provider on one port: each under its prefix (`/gemini`, `/openai`, `/stability` …), and at the
 * root the first that serves the path.
 *
 * @throws Error of `listen`, such as EADDRINUSE
 */
export function createSimulator(options: SimulatorOptions): Promise<Simulator> {
  return startSimulator(options, families());
}
