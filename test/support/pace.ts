/**
 * Work that a provider is asked about again and again, without the pauses: where its wire is what is tested, not its pace.
 *
 * @module
 */
import type { JobProtocol } from '../../src/contracts/job-provider.ts';
import type { ProviderDefinition } from '../../src/contracts/provider.ts';

/** Has a provider asked without a pause, until the returned value is disposed of. */
export function atOnce({ id, jobs }: ProviderDefinition): Disposable {
  if (jobs === undefined) throw new Error(`${id} promises no work`);
  const protocol: { -readonly [Name in keyof JobProtocol]: JobProtocol[Name] } = jobs;
  const { pollEveryMs } = protocol;
  protocol.pollEveryMs = { min: 1, usual: 1 };
  return {
    [Symbol.dispose]: () => {
      protocol.pollEveryMs = pollEveryMs;
    },
  };
}
