/**
 * The official client libraries in both majors, under the types of the newer one.
 *
 * @module
 */
import type OpenAI from 'openai';
import type { zodFunction, zodResponseFormat } from 'openai/helpers/zod';

export interface Sdk {
  readonly name: string;
  readonly OpenAI: typeof OpenAI;
  readonly zodResponseFormat: typeof zodResponseFormat;
  readonly zodFunction: typeof zodFunction;
}

async function load(name: string, packageName: string): Promise<Sdk> {
  const main: { readonly default: typeof OpenAI } = await import(packageName);
  const helpers: Pick<Sdk, 'zodResponseFormat' | 'zodFunction'> = await import(
    `${packageName}/helpers/zod`
  );
  return { name, OpenAI: main.default, ...helpers };
}

export const SDKS: readonly Sdk[] = [
  await load('openai 7', 'openai'),
  await load('openai 6', 'openai-6'),
];

/** A client as an application has it: only address and key are not the defaults. */
export function clientOf(sdk: Sdk, gatewayUrl: string, apiKey: string): OpenAI {
  return new sdk.OpenAI({ baseURL: `${gatewayUrl}/v1`, apiKey });
}
