/**
 * The built-in simulator's wire: OpenAI's, and one of its own for what takes its time.
 *
 * @module
 */
import type { SimulatorFamily } from '../core/family.ts';
import { openaiFamily } from '../openai/family.ts';
import { jobRoute } from './jobs.ts';

export const simFamily: SimulatorFamily = {
  ...openaiFamily,
  name: 'sim',
  route: (call) => jobRoute(call) ?? openaiFamily.route(call),
};
