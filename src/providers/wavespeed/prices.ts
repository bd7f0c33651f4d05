/**
 * What a task will cost: `POST /model/price {model_id, inputs}` → `{price, discounted_price, currency}`
 * (https://wavespeed.ai/docs/docs-api/webapp/model-price; no recorded traffic).
 *
 * @module
 */
import type { PricedCall, PriceTeller } from '../../contracts/price-question.ts';
import { GatewayError } from '../../contracts/gateway-error.ts';
import { parseUsd, type NanoUsd } from '../../contracts/money.ts';
import type { ProviderTarget, WireReply } from '../../contracts/wire.ts';
import { parsedOrUndefined } from '../openai-compatible/error-facts.ts';
import { isObject, objectOf } from '../openai-compatible/loose-json.ts';
import { shapeOptions, wireOptions, type JsonModel } from '../json-models.ts';
import { modelAt } from '../json-operations.ts';
import { waveSpeedServer } from './operations.ts';
import { jsonPost, WIRE_NAMES } from './request.ts';

/** Operations whose price options alone decide; that of all others hangs on the length of what is sent. */
const BY_OPTIONS: ReadonlySet<string> = new Set([
  'image.generate',
  'image.edit',
  'image.face_swap',
  'video.text_to_video',
  'video.image_to_video',
]);

function inputsOf(model: JsonModel, call: PricedCall): object {
  const { size, resolution } = call;
  const shape = shapeOptions(model, { size, resolution, aspectRatio: null });
  const options = {
    seconds: call.seconds,
    generate_audio: call.withAudio,
    ...shape.options,
  };
  return wireOptions(model, options, WIRE_NAMES);
}

/** A figure of dollars as it stands in JSON, to the nano. */
function dollars(value: unknown): NanoUsd | null {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) return null;
  // Doubles have no more than fifteen sure digits; prices have nine places at most.
  return parseUsd(value.toFixed(9), 'price');
}

export const prices: PriceTeller = {
  ask(call, target: ProviderTarget) {
    // No model makes several at a time.
    if (!BY_OPTIONS.has(call.operation) || (call.pictures ?? 1) > 1) return null;
    try {
      const model = modelAt(waveSpeedServer, target, call.operation);
      return jsonPost(target, '/model/price', {
        model_id: model.id,
        inputs: inputsOf(model, call),
      });
    } catch (error) {
      // What the model does not take has no price; the call itself will say so.
      if (error instanceof GatewayError) return null;
      throw error;
    }
  },
  read(reply: WireReply) {
    const body = objectOf(parsedOrUndefined(reply.body.toString('utf8')));
    const told = isObject(body['data']) ? body['data'] : body;
    if ((told['currency'] ?? 'USD') !== 'USD') return null;
    return dollars(told['discounted_price']) ?? dollars(told['price']);
  },
};
