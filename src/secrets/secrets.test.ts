import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Seal } from './sealed-bytes.ts';
import { SignedText } from './signed-text.ts';

const KEY = 'a key of more than twenty characters';

describe('Seal', () => {
  it('opens what it sealed, in its context and under its key and purpose alone', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.string(), (plain, context) => {
        const sealed = new Seal(KEY, 'one').seal(plain, context);
        expect(new Seal(KEY, 'one').open(sealed, context)).toEqual(Buffer.from(plain));
        expect(new Seal(KEY, 'one').open(sealed, `${context}.`)).toBeNull();
        expect(new Seal(KEY, 'two').open(sealed, context)).toBeNull();
        expect(new Seal(`${KEY}.`, 'one').open(sealed, context)).toBeNull();
      }),
    );
  });

  it('opens nothing that was changed or cut', () => {
    const seal = new Seal(KEY, 'one');
    const sealed = seal.seal(Buffer.from('secret'));
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(seal.open(changed), `byte ${at}`).toBeNull();
      expect(seal.open(sealed.subarray(0, at))).toBeNull();
    }
  });

  it('seals the same text differently each time', () => {
    const seal = new Seal(KEY, 'one');
    expect(seal.seal(Buffer.from('secret'))).not.toEqual(seal.seal(Buffer.from('secret')));
  });
});

describe('SignedText', () => {
  const options = { purpose: 'one', prefix: 'tok_', maxCharacters: 200 };

  it('reads what it signed, and nothing that was signed otherwise', () => {
    const signed = new SignedText<readonly string[]>(KEY, options);
    const token = signed.sign(['cus_1', 'qt_1']);
    expect(token).toMatch(/^tok_[\w-]+\.[\w-]{43}$/);
    expect(signed.read(token)).toEqual(['cus_1', 'qt_1']);
    expect(new SignedText(KEY, { ...options, purpose: 'two' }).read(token)).toBeNull();
    expect(new SignedText(KEY, { ...options, signatureBytes: 16 }).read(token)).toBeNull();
    for (const other of ['', 'tok_', 'tok_.', token.slice(1), `${token}x`, token.slice(0, -1)]) {
      expect(signed.read(other), other).toBeNull();
    }
  });

  it('does not look at what is too long', () => {
    const signed = new SignedText<string>(KEY, { ...options, maxCharacters: 100 });
    expect(signed.read(signed.sign('x'.repeat(200)))).toBeNull();
  });
});
