/**
 * Clips of every kind.
 *
 * @module
 */
import type { VideoProvider } from '../../contracts/video-provider.ts';
import { clipCall, clipFacts } from '../json-calls.ts';
import { submission } from './jobs.ts';
import { MODELS } from './models.ts';
import { submissionRequest, waveSpeedModel } from './request.ts';

export const video: VideoProvider = {
  has: (operation, model) => MODELS.some((one) => one.operation === operation && one.id === model),
  start(options, target) {
    const model = waveSpeedModel(target, options.operation);
    const { asked, warnings } = clipCall(model, options);
    const { request, values, warnings: more } = submissionRequest(model, target, asked);
    const facts = clipFacts(options, values['seconds']);
    return submission({ request, warnings: [...warnings, ...more] }, facts);
  },
};
