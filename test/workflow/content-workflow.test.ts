/**
 * A piece of content in five steps on the funds of one quote: what is booked is what was quoted and what the provider billed.
 *
 * @module
 */
import { expect, test } from 'vitest';
import { openLab } from '../support/lab.ts';
import { runWorkflow } from './content-workflow.ts';

test('the bill of a whole workflow is the quote’s arithmetic and the provider’s log', async () => {
  const lab = await openLab({ ownSim: true });
  try {
    const report = await runWorkflow(lab);
    expect(report.steps).toHaveLength(5);
    for (const { id, confidence, costUsd, quotedMaxUsd } of report.steps) {
      expect(Number(costUsd), id).toBeGreaterThan(0);
      expect(Number(costUsd), id).toBeLessThanOrEqual(Number(quotedMaxUsd));
      // What has a price by the piece costs what was quoted, to the nano.
      if (confidence === 'exact') expect(costUsd, id).toBe(quotedMaxUsd);
    }
    expect(report.bookedNanoUsd).toBe(report.providerNanoUsd);
    expect(report.totals).toMatchObject({
      requests: 5,
      images: 2,
      image_edits: 1,
      speech_characters: 58,
      video_clips: 1,
      video_seconds: 4,
    });
    expect(report.progress.length).toBeGreaterThan(1);
    expect(report.progress).toEqual(report.progress.toSorted((one, other) => one - other));
    expect(report.openHolds).toBe(0);
    expect(report.isQuoteUsedUp).toBe(true);
  } finally {
    await lab.close();
  }
});
