/**
 * `provider_options.<provider>` of media routes: options of one provider's own, sent as they are. They shape a result; what is asked
 * of whom, how much of it, and so what is billed, was read from the body itself, and limits and holds were computed from that.
 *
 * @module
 */
import { invalidRequest } from '../validation.ts';

/**
 * Words for what decides the bill or who answers where, as the wires of media write them, without `_` and `-`. A body has a member of
 * its own for each that can be asked for.
 */
const RESERVED: ReadonlySet<string> = new Set([
  '__proto__',
  // Which model, and what it is told.
  'model',
  'modelid',
  'modelname',
  'version',
  'prompt',
  'input',
  'inputs',
  'text',
  'texts',
  'contents',
  'instances',
  // How many.
  'n',
  'numimages',
  'numoutputs',
  'numimagesperprompt',
  'samples',
  'samplecount',
  'batchsize',
  'candidatecount',
  'maximages',
  // How large, how long, how well.
  'size',
  'imagesize',
  'width',
  'height',
  'resolution',
  'targetresolution',
  'targetsize',
  'megapixels',
  'quality',
  'duration',
  'durationseconds',
  'seconds',
  'numframes',
  'fps',
  'steps',
  'numinferencesteps',
  'scale',
  'upscalefactor',
  'generateaudio',
  'enabletimestamps',
  // In which form, and where the answer goes.
  'stream',
  'streamformat',
  'partialimages',
  'responseformat',
  'webhook',
  'webhookurl',
  'webhookeventsfilter',
  'servicetier',
]);

/**
 * The options for one provider.
 *
 * @throws GatewayError `invalid_request` naming one that is not for the provider alone
 */
export function optionsFor(
  options: Readonly<Record<string, Readonly<Record<string, unknown>>>> | null | undefined,
  provider: string,
): Readonly<Record<string, unknown>> {
  const own = options?.[provider] ?? {};
  for (const name of Object.keys(own)) {
    if (!RESERVED.has(name.replaceAll(/[_-]/g, '').toLowerCase()) && name !== '__proto__') continue;
    throw invalidRequest(
      `provider_options.${provider}.${name.slice(0, 100)}`,
      'decides what is billed or how the answer comes. Ask for it by a member of the body itself.',
    );
  }
  return own;
}
