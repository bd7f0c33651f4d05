import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scanObject } from './json-members.ts';
import {
  keysOf,
  memberEdit,
  memberKey,
  spliceIntoPieces,
  spliceIntoText,
  type MemberEdit,
  type ScannedObject,
} from './json-splice.ts';

function scanned(bytes: Buffer): ScannedObject {
  const scan = scanObject(bytes, { depth: 100, values: 100_000 });
  if (typeof scan === 'string') throw new Error(`exceeds ${scan}`);
  return { bytes, members: scan.members, letters: null };
}

function spliced(object: ScannedObject, edits: readonly MemberEdit[]): Buffer {
  return Buffer.from(spliceIntoText(object, edits), 'latin1');
}

/** JSON without keys of one escaped character: `JSON.parse` of Node 24 now and then reads the key `"\\""` as a backslash. */
const value = fc.jsonValue().filter((one) => !/"\\.":/.test(JSON.stringify(one)));
const key = fc.string().filter((text) => !/^"\\.{1,5}"$/.test(JSON.stringify(text)));

describe('spliceIntoText', () => {
  it('gives the object that editing the parsed object gives, and keeps the order of what stays', () => {
    fc.assert(
      fc.property(
        fc.dictionary(key, value, { maxKeys: 8 }),
        fc.dictionary(
          fc.constantFrom('model', 'max_tokens', 'a', 'é', '""', '__proto__', '\n', '\ud800'),
          fc.option(value, { nil: undefined }),
        ),
        fc.nat(3),
        (body, edits, indent) => {
          const bytes = Buffer.from(JSON.stringify(body, null, indent));
          const changes = Object.entries(edits).map(([name, change]) =>
            memberEdit(memberKey(name), change),
          );
          const object = scanned(bytes);
          const edited = spliced(object, changes);
          expect(Buffer.concat(spliceIntoPieces(object, changes))).toEqual(edited);
          const letters = bytes.toString('latin1');
          expect(spliced({ ...object, letters }, changes)).toEqual(edited);
          const expected: Record<string, unknown> = Object.fromEntries(Object.entries(body));
          for (const [name, change] of Object.entries(edits)) {
            if (change === undefined) delete expected[name];
            else
              Object.defineProperty(expected, name, {
                value: change,
                enumerable: true,
                configurable: true,
                writable: true,
              });
          }
          expect(JSON.parse(edited.toString())).toEqual(JSON.parse(JSON.stringify(expected)));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('copies nothing that stays where pieces will do', () => {
    const bytes = Buffer.from('{"model":"x","b":[1],"n":2}');
    const pieces = spliceIntoPieces(scanned(bytes), [memberEdit(memberKey('model'), 'y')]);
    expect(pieces.map(String)).toEqual(['{', '"model":"y",', '"b":[1],"n":2', '}']);
    expect(pieces[2]?.buffer).toBe(bytes.buffer);
  });

  it('leaves bytes it does not edit exactly as they were', () => {
    const bytes = Buffer.from('{ "a" : 1e2,\n"model":"x" , "b":[ {"c":"}\\""} ] }');
    const edited = spliced(scanned(bytes), [memberEdit(memberKey('model'), 'y')]);
    expect(edited.toString()).toBe('{"a" : 1e2,"model":"y","b":[ {"c":"}\\""} ]}');
  });

  it('finds members by what their keys mean, however they are written', () => {
    const edited = spliced(scanned(Buffer.from('{"mod\\u0065l":1,"n":2,"\u00e9":3}')), [
      memberEdit(memberKey('model'), 'y'),
      memberEdit(memberKey('é'), undefined),
    ]);
    expect(edited.toString()).toBe('{"model":"y","n":2}');
  });

  it('takes no key for another whose bytes look like it', () => {
    const object = scanned(Buffer.from('{"é":1,"a\\n":2}'));
    const edits = ['Ã©', 'a\\n'].map((name) => memberEdit(memberKey(name), undefined));
    expect(spliced(object, edits).toString()).toBe('{"é":1,"a\\n":2}');
  });

  it('takes one edit for the member that stands, and a second of its key as a new member', () => {
    const object = scanned(Buffer.from('{"a":1,"model":"x"}'));
    const edits = [memberEdit(memberKey('model'), undefined), memberEdit(memberKey('model'), 'y')];
    expect(spliced(object, edits).toString()).toBe('{"model":"y","a":1}');
  });
});

describe('keysOf', () => {
  it('reads every key, also one that is escaped or stands twice', () => {
    const bytes = Buffer.from('{"model":1,"n":{"model":2},"mod\\u0065l":3,"__proto__":4}');
    expect(keysOf(scanned(bytes))).toEqual(['model', 'n', 'model', '__proto__']);
  });
});
