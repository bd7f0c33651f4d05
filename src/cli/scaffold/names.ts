/**
 * What a new provider is called in code, in variables and for people.
 *
 * @module
 */

/** Names that follow from the id, and what the author says beside. */
export interface ProviderNames {
  /** Folder, prefix in `provider/model`. */
  readonly id: string;
  /** Name of the exported definition. */
  readonly constant: string;
  readonly title: string;
  /** Beginning of its variables: `ACME_IMAGES`. */
  readonly variable: string;
  /** Origin, and path before the version. */
  readonly baseUrl: string;
  readonly documentation: string;
}

/** Ids as folders and model names have them. */
export const PROVIDER_ID = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;

/** Names by the id. */
export function namesOf(
  id: string,
  said: { readonly title?: string; readonly baseUrl?: string; readonly documentation?: string },
): ProviderNames {
  const words = id.split('-');
  const capitalised = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return {
    id,
    constant: [words[0] ?? id, ...capitalised.slice(1)].join(''),
    title: said.title ?? capitalised.join(' '),
    variable: id.toUpperCase().replaceAll('-', '_'),
    baseUrl: said.baseUrl ?? `https://api.${id}.example`,
    documentation: said.documentation ?? `https://docs.${id}.example`,
  };
}
