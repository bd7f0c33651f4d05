/**
 * The files of a new provider: an adapter that is whole for what it does and passes its suite, to be bent to the real wire.
 *
 * @module
 */
import { definition, errors, models, request } from './common-files.ts';
import { chatDefinition, chatTest } from './kinds/chat.ts';
import { imageKind } from './kinds/image.ts';
import { speechKind } from './kinds/speech.ts';
import { transcriptionKind } from './kinds/transcription.ts';
import { videoJobKind } from './kinds/video-job.ts';
import type { ProviderNames } from './names.ts';
import type { ProviderKind } from './provider-kind.ts';

const OWN_WIRES = {
  image: imageKind,
  speech: speechKind,
  transcription: transcriptionKind,
  'video-job': videoJobKind,
} as const satisfies Readonly<Record<string, ProviderKind>>;

/** What a new provider does. `chat` speaks OpenAI's protocol, all others one of their own. */
export const PROVIDER_KINDS = [
  'chat',
  ...(Object.keys(OWN_WIRES) as readonly (keyof typeof OWN_WIRES)[]),
] as const;
/** A name of {@link PROVIDER_KINDS}. */
export type ProviderKindName = (typeof PROVIDER_KINDS)[number];

/** A file below the root of the checkout. */
export interface ScaffoldFile {
  readonly path: string;
  readonly text: string;
}

/** The files, none of which there may be already. */
export function providerFiles(
  names: ProviderNames,
  kind: ProviderKindName,
): readonly ScaffoldFile[] {
  const folder = `src/providers/${names.id}`;
  const test = `${folder}/${names.id}.test.ts`;
  if (kind === 'chat') {
    return [
      { path: `${folder}/provider.ts`, text: chatDefinition(names) },
      { path: test, text: chatTest(names) },
    ];
  }
  const own = OWN_WIRES[kind];
  const codecs = Object.entries(own.codecs(names));
  return [
    { path: `${folder}/provider.ts`, text: definition(names, own) },
    { path: `${folder}/models.ts`, text: models(names, own) },
    { path: `${folder}/request.ts`, text: request(names) },
    ...codecs.map(([file, text]) => ({ path: `${folder}/${file}`, text })),
    { path: `${folder}/errors.ts`, text: errors(names) },
    { path: test, text: own.test(names) },
    { path: `src/simulators/${names.id}/family.ts`, text: own.simulator(names) },
  ];
}

/** A line to be added, and where. */
export interface ScaffoldLine {
  readonly file: string;
  readonly line: string;
}

/** What makes the provider one of the gateway's: the registry's entry first. */
export function registryLines({ id, constant }: ProviderNames): readonly ScaffoldLine[] {
  const registry = 'src/providers/registry.ts';
  return [
    { file: registry, line: `import { ${constant} } from './${id}/provider.ts';` },
    { file: registry, line: `  ${constant},` },
  ];
}

function priceLine(
  names: ProviderNames,
  kind: ProviderKindName,
  source: { readonly source: string; readonly checked_at: string },
): ScaffoldLine {
  const { id: provider } = names;
  if (kind === 'chat') {
    const rates = { input_text_tokens: '0.00', output_text_tokens: '0.00' };
    const row = { provider, model: 'model-name', usd_per_million: rates, ...source };
    return { file: 'src/catalog/data/own-prices.json', line: JSON.stringify(row) };
  }
  const { model, unit } = OWN_WIRES[kind].price;
  const row = { provider, model, media: [{ unit, usd: '0.00' }], ...source };
  return { file: 'src/catalog/data/media-prices.json', line: JSON.stringify(row) };
}

/**
 * What makes its simulator and its prices complete. A price of zero is no price: it has to be put in. What speaks OpenAI's protocol has
 * a simulator already.
 *
 * @param day on which the price was read, `2026-01-31`
 */
export function furtherLines(
  names: ProviderNames,
  kind: ProviderKindName,
  day: string,
): readonly ScaffoldLine[] {
  const { id, constant, variable } = names;
  const price = priceLine(names, kind, { source: names.documentation, checked_at: day });
  if (kind === 'chat') return [price];
  const simulators = 'src/simulators/index.ts';
  return [
    { file: simulators, line: `import { ${constant}Family } from './${id}/family.ts';` },
    { file: simulators, line: `    ${constant}Family,` },
    { file: 'src/simulators/serve.ts', line: `  '${id}': '${variable}_BASE_URL',` },
    price,
  ];
}
