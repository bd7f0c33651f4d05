/**
 * The settings as they may be shown: `config print` and `GET /admin/v1/config`.
 *
 * @module
 */
import { describeOrigin, type LoadedConfig } from './load.ts';
import { formatPath, isSecretPath } from './setting-index.ts';

/** What stands in place of a secret. */
export const REDACTED = '[redacted]';

/** Settings fit to be shown, with the origin of each single value. */
export interface ConfigView {
  readonly file: string | null;
  readonly settings: Readonly<Record<string, unknown>>;
  /** `gateway.yaml:12`, `environment variable GATEWAY_PORT`, `flag --port` or `default`, by dotted path. */
  readonly origins: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
}

function redactValue(value: unknown, path: readonly PropertyKey[]): unknown {
  if (isSecretPath(path)) return value === undefined ? value : REDACTED;
  if (Array.isArray(value)) return value.map((item, index) => redactValue(item, [...path, index]));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, redactValue(inner, [...path, key])]),
  );
}

function singleValues(value: unknown, path: readonly PropertyKey[]): readonly PropertyKey[][] {
  if (Array.isArray(value) && value.length > 0) {
    return value.flatMap((item, index) => singleValues(item, [...path, index]));
  }
  if (typeof value === 'object' && value !== null && Object.keys(value).length > 0) {
    return Object.entries(value).flatMap(([key, inner]) => singleValues(inner, [...path, key]));
  }
  return [[...path]];
}

/** The view of a loaded configuration, without any secret. */
export function viewConfig(loaded: LoadedConfig): ConfigView {
  const settings = redactValue(loaded.config, []) as Readonly<Record<string, unknown>>;
  const origins = singleValues(loaded.config, []).map((path) => {
    const text = formatPath(path);
    return [text, describeOrigin(loaded.origins.get(text) ?? { type: 'default' })];
  });
  return {
    file: loaded.file,
    settings,
    origins: Object.fromEntries(origins),
    warnings: loaded.warnings,
  };
}
