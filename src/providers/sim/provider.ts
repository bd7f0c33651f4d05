/**
 * The built-in simulator as a provider: `sim/chat` and its kin, on OpenAI's wire, over loopback. Its address is
 * set by the server that starts it; `SIM_BASE_URL` names simulators of another process instead.
 *
 * @module
 */
import { defineOpenAiCompatible } from '../openai-compatible/define.ts';
import { moderation } from '../openai-compatible/media/moderation.ts';
import { mediaCapabilities } from '../openai-compatible/media/provider.ts';
import { simLookUp } from './look-up.ts';
import { simMedia } from './media.ts';
import { simWork } from './work.ts';
import { simPictureTools } from './picture-tools.ts';
import { simVoices } from './voices.ts';

export const simProvider = defineOpenAiCompatible({
  id: 'sim',
  title: 'Built-in simulator',
  environment: { credential: [], baseUrl: 'SIM_BASE_URL', credentialOptional: true },
  defaultBaseUrl: null,
  versionSegment: '/v1',
  documentation: 'src/simulators',
  ...mediaCapabilities(simMedia),
  moderation: moderation(simMedia),
  ...simPictureTools,
  lookUp: simLookUp,
  ...simVoices,
  ...simWork,
});
