/**
 * What differs between new providers: what they do. Each kind is whole for one operation and passes its suite, to be bent to the real
 * wire.
 *
 * @module
 */
import type { ProviderNames } from './names.ts';

/** One kind of provider with a protocol of its own. */
export interface ProviderKind {
  /** Members of the definition, by the file of the folder that exports them. */
  readonly members: Readonly<Record<string, readonly string[]>>;
  /** Entry of the table of models, as source text. */
  readonly model: string;
  /** Codecs by their file. */
  codecs(names: ProviderNames): Readonly<Record<string, string>>;
  /** The folder's test. */
  test(names: ProviderNames): string;
  /** The wire's simulator. */
  simulator(names: ProviderNames): string;
  /** Name of the model in the price book, and the unit by which it is sold. */
  readonly price: { readonly model: string; readonly unit: string };
}

/** How simulators of the kinds begin and end. */
export function simulatorFamily(
  { id, constant }: ProviderNames,
  body: { readonly head: string; readonly route: string },
): string {
  return `${body.head}
export const ${constant}Family: SimulatorFamily = {
  name: '${id}',
  ${body.route}
  credentialOf: (call) => /^Bearer\\s+(.+)$/i.exec(call.headers.authorization ?? '')?.[1] ?? null,
  error,
  notFound: (call) => error('not_found', bareContext(call.id)),
  unauthorised: (call) => error('auth', bareContext(call.id)),
};
`;
}

/** What every test of a folder ends with: statuses without words of their own. */
export function errorTests({ constant }: ProviderNames): string {
  return `test.each([
  [401, 'auth'],
  [429, 'rate_limited'],
  [503, 'overloaded'],
])('%i is %s', (status, kind) => {
  const body = Buffer.from('{"error":{"code":"x","message":"y"}}');
  expect(${constant}.readError({ status, headers: {}, body }).kind).toBe(kind);
});
`;
}
