/**
 * The simulators as a process serves them: what `alwrity-gateway simulate` starts.
 *
 * @module
 */
import { createSimulator } from './index.ts';
import type { Simulator, SimulatorOptions } from './core/simulator.ts';

/** How a client is pointed at one simulated provider. */
export interface ServedFamily {
  /** Provider id. */
  readonly family: string;
  /** Base URL before the version segment. */
  readonly baseUrl: string;
  /** Variable that points the gateway at it. */
  readonly environment: string;
}

export interface ServedSimulators {
  readonly simulator: Simulator;
  readonly families: readonly ServedFamily[];
}

const ENVIRONMENT: Readonly<Record<string, string>> = {
  gemini: 'GEMINI_BASE_URL',
  openai: 'OPENAI_BASE_URL',
  huggingface: 'HF_BASE_URL',
  stability: 'STABILITY_BASE_URL',
  deepgram: 'DEEPGRAM_BASE_URL',
  elevenlabs: 'ELEVENLABS_BASE_URL',
  wavespeed: 'WAVESPEED_BASE_URL',
  fal: 'FAL_BASE_URL',
  replicate: 'REPLICATE_BASE_URL',
};

/**
 * Starts all simulators on one port and says how to reach each.
 *
 * @throws Error of `listen`, such as EADDRINUSE
 */
export async function serveSimulators(options: SimulatorOptions): Promise<ServedSimulators> {
  const simulator = await createSimulator(options);
  const families = Object.entries(ENVIRONMENT).map(([family, environment]): ServedFamily => ({
    family,
    environment,
    baseUrl: `${simulator.url}/${family}`,
  }));
  return { simulator, families };
}
