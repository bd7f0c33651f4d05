/**
 * `docs/providers.md`: which provider does what, with which models and options. Everything comes from the definitions and their tables.
 *
 * @module
 */
import type { MediaModel, OptionRule } from '../contracts/media-model.ts';
import { OPERATIONS, type Operation } from '../contracts/metering.ts';
import type { ProviderDefinition } from '../contracts/provider.ts';
import { RECORDED } from './evidence.ts';
import { PROVIDERS } from './registry.ts';

const MEBIBYTE = 1024 * 1024;

/** Operations that a provider's capabilities stand for, where no table says more. */
function capableOf(provider: ProviderDefinition): ReadonlySet<Operation> {
  const found: (Operation | false)[] = [
    provider.text !== undefined && 'text.generate',
    provider.embedding !== undefined && 'text.embed',
    provider.moderation !== undefined && 'text.moderate',
    provider.imageGeneration !== undefined && 'image.generate',
    provider.imageEdit !== undefined && 'image.edit',
    provider.faceSwap !== undefined && 'image.face_swap',
    provider.imageUpscale !== undefined && 'image.upscale',
    provider.backgroundRemoval !== undefined && 'image.remove_background',
    provider.speech !== undefined && 'audio.speech',
    provider.transcription !== undefined && 'audio.transcribe',
    provider.voiceClone !== undefined && 'audio.clone_voice',
    ...(provider.mediaModels ?? []).map(({ operation }) => operation),
  ];
  return new Set(found.filter((operation) => operation !== false));
}

/** Operations of a provider, in the order of the table of operations. */
export function operationsOf(provider: ProviderDefinition): readonly Operation[] {
  const found = capableOf(provider);
  return OPERATIONS.filter((operation) => found.has(operation));
}

function isRecorded(provider: ProviderDefinition, operation: Operation): boolean {
  return RECORDED[provider.id]?.includes(operation) ?? false;
}

function matrixRow(operation: Operation): string | null {
  const serving = PROVIDERS.filter((provider) => operationsOf(provider).includes(operation));
  if (serving.length === 0) return null;
  const names = (recorded: boolean): string =>
    serving
      .filter((provider) => isRecorded(provider, operation) === recorded)
      .map(({ id }) => `\`${id}\``)
      .join(', ');
  return `| \`${operation}\` | ${names(true)} | ${names(false)} |`;
}

/** What an option may be, for people. */
export function ruleText(rule: OptionRule): string {
  switch (rule.type) {
    case 'one_of':
      return rule.values.map((value) => `\`${value}\``).join(' ');
    case 'range': {
      const step = rule.step === undefined ? '' : `, steps of ${rule.step}`;
      return `${rule.min} to ${rule.max}${step}`;
    }
    case 'text':
      return `at most ${rule.maxChars} characters`;
    case 'flag':
      return 'on or off';
    case 'files': {
      const each =
        rule.maxBytes === undefined ? '' : `, ${Math.floor(rule.maxBytes / MEBIBYTE)} MiB each`;
      return `at most ${rule.max}${each}`;
    }
  }
}

function optionsText({ options }: MediaModel): string {
  return Object.entries(options)
    .map(([name, rule]) => `\`${name}\` ${ruleText(rule)}`)
    .join('<br>');
}

/** Whether the price book has a price of a model, or of any model of a family (`…*`). */
export type IsPriced = (provider: ProviderDefinition, id: string) => boolean;

/** Names models that are refused for want of a price. */
function unpricedText(provider: ProviderDefinition, isPriced: IsPriced): readonly string[] {
  const ids = new Set((provider.mediaModels ?? []).map(({ id }) => id));
  const unpriced = [...ids].filter((id) => !isPriced(provider, id));
  if (unpriced.length === 0) return [];
  const list = unpriced.map((id) => `\`${id}\``).join(', ');
  return [`Without a price in the book, and refused until \`models.prices\` has one: ${list}.`];
}

/** Rows of a provider's models; those that take the same share one. */
function modelRows(models: readonly MediaModel[]): readonly string[] {
  const names = new Map<string, string[]>();
  for (const model of models) {
    const key = `\`${model.operation}\` | ${optionsText(model)}`;
    names.set(key, [...(names.get(key) ?? []), `\`${model.id}\``]);
  }
  return [...names].map(([rest, ids]) => `| ${ids.join('<br>')} | ${rest} |`);
}

function variables({ environment, defaultBaseUrl }: ProviderDefinition): string {
  const key = environment.credential.map((name) => `\`${name}\``).join(' or ');
  const isOptional = environment.credentialOptional === true ? ' (optional)' : '';
  const base = defaultBaseUrl === null ? 'named by you' : defaultBaseUrl;
  return `Key: ${key}${isOptional}. Address: \`${environment.baseUrl}\`, ${base}.`;
}

function section(provider: ProviderDefinition, isPriced: IsPriced): string {
  const models = provider.mediaModels ?? [];
  const documented = operationsOf(provider).filter((operation) => !isRecorded(provider, operation));
  const sources = [...new Set(models.map(({ source }) => source))];
  const lines = [
    `## ${provider.title} (\`${provider.id}\`)`,
    `${variables(provider)} Follows ${provider.documentation}.`,
  ];
  if (documented.length > 0) {
    const list = documented.map((operation) => `\`${operation}\``).join(', ');
    lines.push(`Written from documentation alone, adapter and simulator: ${list}.`);
  }
  if (models.length > 0) {
    const head = '| model | operation | takes |\n| --- | --- | --- |';
    lines.push([head, ...modelRows(models)].join('\n'));
    lines.push(...unpricedText(provider, isPriced), `Sources: ${sources.join('; ')}`);
  }
  return lines.join('\n\n');
}

const HEAD = `# Providers

Generated from the definitions and tables of \`src/providers\`; change those instead.

Models are \`<provider>/<model>\`. What a table has no row for is the provider's to judge; a model without a price is refused whatever it
can do. An option outside its range is moved into it and named in \`x-gateway-warnings\`; one that is not taken is left out and named, or
refused where its loss would change what is asked for. A trailing \`*\` stands for a family of models. \`n\` is of one call:
more pictures are made by several.

## Who does what

Every operation of every provider runs against a simulator of that provider's wire. What the simulators were written from differs:
those of the second column agree with recorded traffic of the provider, those of the third with its documentation alone.

| operation | recorded traffic | documentation alone |
| --- | --- | --- |`;

/** The whole page. */
export function providerDocs(isPriced: IsPriced): string {
  const sections = PROVIDERS.map((provider) => section(provider, isPriced));
  const rows = OPERATIONS.flatMap((operation) => matrixRow(operation) ?? []);
  return `${[[HEAD, ...rows].join('\n'), ...sections].join('\n\n')}\n`;
}
