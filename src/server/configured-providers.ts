/**
 * Providers as the gateway calls them: those with a credential, and the simulator.
 *
 * @module
 */
import type { LoadedConfig, ResolvedProviders } from '../config/index.ts';
import type { ConfiguredProvider } from '../gateway/gateway.ts';
import { simProvider } from '../providers/sim/provider.ts';
import { createSimulator, type Simulator } from '../simulators/index.ts';
import { EmbeddedVoice } from '../speech/embedded-voice.ts';

/** Starts the simulator where it is on: asked for, or nothing else is configured. It speaks with the embedded engine. */
export async function openSimulator(
  loaded: LoadedConfig,
  providers: ResolvedProviders,
): Promise<Simulator | null> {
  const { simulators } = loaded.config;
  const isOn = simulators === 'on' || (simulators === 'auto' && providers.configured.length === 0);
  return isOn ? createSimulator({ seed: 1, voice: new EmbeddedVoice() }) : null;
}

/** Providers by id. */
export function configuredProviders(
  providers: ResolvedProviders,
  simulator: Simulator | null,
): ReadonlyMap<string, ConfiguredProvider> {
  const map = new Map<string, ConfiguredProvider>();
  for (const provider of providers.configured) {
    const { definition, baseUrl, credential, settings } = provider;
    // Simulators of another process, where `SIM_BASE_URL` names one.
    const simulated = definition.id === simProvider.id;
    map.set(definition.id, { definition, baseUrl, credential, settings, simulated });
  }
  if (simulator !== null && !map.has(simProvider.id)) {
    map.set(simProvider.id, {
      definition: simProvider,
      baseUrl: `${simulator.url}/sim`,
      credential: null,
      settings: {},
      simulated: true,
    });
  }
  return map;
}
