/**
 * What every provider must do that can be asked for single calls afterwards, whatever its wire looks like. Its test
 * names replies; everything else is derived.
 *
 * @module
 */
import { describe, expect, test } from 'vitest';
import type { CallReference, LookUpAnswer } from '../contracts/call-look-up.ts';
import { ProviderFailureError } from '../contracts/provider-failure.ts';
import type { ProviderDefinition } from '../contracts/provider.ts';
import type { ProviderTarget, WireReply } from '../contracts/wire.ts';

const CREDENTIAL = 'secret-credential-91c4';

export interface LookUpFixture {
  readonly definition: ProviderDefinition;
  /** Ids by which a call is found, the provider's and ours. */
  readonly reference: CallReference;
  /** What is asked for it. */
  readonly path: string;
  readonly replies: readonly {
    readonly says: string;
    readonly status?: number;
    readonly body: object;
    readonly answer: LookUpAnswer;
  }[];
  /** Bodies that are no answer. */
  readonly broken: readonly object[];
}

function targetOf(credential: string | null): ProviderTarget {
  return { model: 'model', baseUrl: 'https://provider.test', credential, settings: {} };
}

function replyOf(status: number, body: object | Buffer): WireReply {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  return { status, headers: { 'content-type': 'application/json' }, body: bytes };
}

/** Registers the suite of one provider. */
export function describeCallLookUp(fixture: LookUpFixture): void {
  const { definition, reference } = fixture;
  const { lookUp } = definition;
  if (lookUp === undefined) throw new Error(`${definition.id} cannot be asked for calls`);

  describe(`${definition.id}: what became of a call`, () => {
    test('asks by a request without a body, and sends the credential in its headers alone', () => {
      const request = lookUp.request(reference, targetOf(CREDENTIAL));
      expect(request).toMatchObject({ method: 'GET', path: fixture.path, body: null });
      expect(request?.path).not.toContain(CREDENTIAL);
      for (const name of Object.keys(request?.headers ?? {})) expect(name).toBe(name.toLowerCase());
      const open = lookUp.request(reference, targetOf(null));
      expect(open?.headers['authorization']).toBeUndefined();
    });

    test('ids with characters of their own stay within the path', () => {
      const odd = 'a/b?c=d&e #%';
      const ids = { ...reference, clientRequestId: odd, providerRequestId: odd };
      const path = lookUp.request(ids, targetOf(null))?.path ?? '';
      expect(path).toContain(encodeURIComponent(odd));
      expect(path.split('/').length).toBe(fixture.path.split('/').length);
    });

    test('says so where it cannot find a call by what is known', () => {
      const request = lookUp.request({ ...reference, providerRequestId: null }, targetOf(null));
      expect(request === null).toBe(lookUp.clientRequestIdHeader === null);
    });

    test.each(fixture.replies)('reads $says', ({ status = 200, body, answer }) => {
      const reply = replyOf(status, body);
      expect(lookUp.read(reply, reference)).toEqual(answer);
      expect(lookUp.read(reply, reference)).toEqual(answer);
    });

    test('takes no broken body for an answer', () => {
      const bodies = [...fixture.broken, Buffer.from('<html>'), Buffer.alloc(0)];
      for (const body of bodies) {
        expect(() => lookUp.read(replyOf(200, body), reference)).toThrow(ProviderFailureError);
      }
    });
  });
}
