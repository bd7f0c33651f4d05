import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JobPart, JobRecord } from '../../metering/job-port.ts';
import { jobOf } from '../../metering/jobs.contract.ts';
import type { JobOutcome } from './job-settlement.ts';
import { freezeTerms } from './job-terms.ts';
import { joinedOutcome } from './parts-follower.ts';

function job(n: number): JobRecord {
  const terms = freezeTerms({
    price: null,
    isPinned: false,
    planId: null,
    dimensions: {},
    spec: { operation: 'image.generate', image: { n } },
    facts: null,
    mark: null,
  });
  return { ...jobOf('cus_1', 1), operation: 'image.generate', terms };
}

const part: JobPart = {
  sentAtMs: 0,
  ticket: null,
  isRefused: false,
  mark: null,
  facts: { usage: { images: 1 }, modelServed: null, dimensions: {} },
};

function outcomeOf(state: JobOutcome['state'], billable: JobOutcome['billable']): JobOutcome {
  const isMade = state === 'succeeded';
  return {
    state,
    billable,
    facts: null,
    outputs: isMade ? [{ assetId: 'ast_1', type: 'image/png', bytes: 1 }] : [],
    result: null,
    error: isMade ? null : { code: 'provider_error', message: 'No.' },
    warnings: [],
  };
}

const made = outcomeOf('succeeded', 'yes');
const refused = outcomeOf('failed', 'no');
const billed = outcomeOf('failed', 'yes');
const cancelled = outcomeOf('cancelled', 'no');
const lost = outcomeOf('unknown', 'unknown');

describe('the end of a job in parts', () => {
  it('has what was made, is charged what was billed, and tells what is missing', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(made, refused, billed, cancelled, lost), {
          minLength: 1,
          maxLength: 10,
        }),
        (outcomes) => {
          const ends = outcomes.map((outcome) => ({ part, outcome }));
          const joined = joinedOutcome(job(outcomes.length), ends);
          const count = (one: JobOutcome): number => outcomes.filter((it) => it === one).length;
          expect(joined.outputs).toHaveLength(count(made));
          expect(joined.facts?.usage.images ?? 0).toBe(count(made) + count(billed));
          expect(joined.state === 'succeeded').toBe(count(made) > 0);
          expect(joined.error === null).toBe(count(made) > 0);
          const isCharged = count(made) + count(billed) > 0;
          expect(joined.billable).toBe(isCharged ? 'yes' : count(lost) > 0 ? 'unknown' : 'no');
          const isShort = count(made) > 0 && count(made) < outcomes.length;
          const text = `images_delivered=${count(made)}_of_${outcomes.length}`;
          expect(joined.warnings.includes(text)).toBe(isShort);
        },
      ),
    );
  });

  it('is cancelled where every part is', () => {
    const ends = [cancelled, cancelled].map((outcome) => ({ part, outcome }));
    expect(joinedOutcome(job(2), ends)).toMatchObject({ state: 'cancelled', billable: 'no' });
  });
});
