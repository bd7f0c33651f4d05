/**
 * Holds the options of a media call against what its model takes ({@link MediaModel}). One rule for every provider: what
 * cannot be left out without changing what is asked for is refused, naming the field and what would be taken; what
 * only shapes the result is clamped or left out, and named.
 *
 * @module
 */
import { GatewayError } from '../contracts/gateway-error.ts';
import type { MediaModel, OptionRule } from '../contracts/media-model.ts';
import type { ProviderWarning } from '../contracts/text.ts';

/** A value of an option as the gateway's bodies have it; of files their count. Null: not asked for. */
export type OptionValue = string | number | boolean | null;

/** Options that were taken, by the gateway's names, and what became of the others. */
export interface CheckedOptions {
  readonly values: Readonly<Record<string, string | number | boolean>>;
  readonly warnings: readonly ProviderWarning[];
}

function listed(values: readonly (string | number)[]): string {
  return values.join(', ');
}

function clamped(rule: Extract<OptionRule, { readonly type: 'range' }>, value: number): number {
  const inside = Math.min(rule.max, Math.max(rule.min, value));
  if (rule.step === undefined) return inside;
  // Upwards: a clip is never shorter, a picture never smaller than what is paid for.
  const steps = Math.ceil((inside - rule.min) / rule.step - 1e-9);
  return Math.min(rule.max, rule.min + steps * rule.step);
}

function refusal(param: string, message: string): GatewayError {
  return new GatewayError('invalid_request', { message, param });
}

/** The value as the model takes it. @throws GatewayError `invalid_request` where it takes none that is like it */
function taken(
  model: string,
  option: {
    readonly name: string;
    readonly rule: OptionRule;
    readonly value: string | number | boolean;
  },
): string | number | boolean {
  const { name, rule, value } = option;
  switch (rule.type) {
    case 'one_of': {
      const found = rule.values.find((one) => String(one) === String(value));
      if (found === undefined)
        throw refusal(
          name,
          `${model} takes ${name} ${listed(rule.values)}, not ${String(value).slice(0, 80)}.`,
        );
      return found;
    }
    case 'range':
      if (typeof value !== 'number') throw refusal(name, `${name} must be a number.`);
      return clamped(rule, value);
    case 'text':
      if (String(value).length > rule.maxChars)
        throw refusal(name, `${model} takes at most ${rule.maxChars} characters of ${name}.`);
      return value;
    case 'flag':
      return value;
    case 'files':
      if (Number(value) > rule.max)
        throw refusal(name, `${model} takes at most ${rule.max} of ${name}.`);
      return value;
  }
}

/**
 * Checks the options of one call. `essential` names those whose loss would change what is asked for: a model that does
 * not take one of them refuses the call.
 *
 * @throws GatewayError `invalid_request` naming the option
 */
export function checkMediaOptions(
  model: MediaModel,
  asked: Readonly<Record<string, OptionValue>>,
  essential: ReadonlySet<string>,
): CheckedOptions {
  const values: Record<string, string | number | boolean> = {};
  const warnings: ProviderWarning[] = [];
  for (const [name, value] of Object.entries(asked)) {
    if (value === null) continue;
    const rule = model.options[name];
    if (rule === undefined) {
      if (essential.has(name)) throw refusal(name, `${model.id} does not take ${name}.`);
      warnings.push({
        option: name,
        action: 'dropped',
        detail: `${model.id} does not take ${name}.`,
      });
      continue;
    }
    const used = taken(model.id, { name, rule, value });
    values[name] = used;
    if (used !== value && rule.type === 'range') {
      const detail = `${model.id} takes ${name} from ${rule.min} to ${rule.max}: ${used} was sent.`;
      warnings.push({ option: name, action: 'clamped', detail });
    }
  }
  return { values, warnings };
}
