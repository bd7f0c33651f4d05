/**
 * `npm run workflow`: one piece of content from its quote to its bill, on a gateway and a simulator of its own; ends with 1 where
 * bill, quote and the provider's log differ.
 *
 * @module
 */
import { openLab } from '../test/support/lab.ts';
import { runWorkflow } from '../test/workflow/content-workflow.ts';

function usd(nano: bigint): string {
  const digits = nano.toString().padStart(10, '0');
  return `${digits.slice(0, -9)}.${digits.slice(-9)}`;
}

const lab = await openLab({ ownSim: true });
try {
  const report = await runWorkflow(lab);
  const lines = report.steps.map(
    ({ id, model, quotedMaxUsd, confidence, costUsd }) =>
      `${id.padEnd(10)} ${model.padEnd(15)} quoted at most $${quotedMaxUsd} (${confidence}), cost $${costUsd}`,
  );
  const progress = report.progress.map((percent) => `${percent} %`).join(', ');
  console.log(
    [
      ...lines,
      `progress of the clip: ${progress}`,
      `usage: ${JSON.stringify(report.totals)}`,
      `booked $${usd(report.bookedNanoUsd)}; provider's log at the quote's prices $${usd(report.providerNanoUsd)}; open holds ${report.openHolds}`,
    ].join('\n'),
  );
  const isRight = report.bookedNanoUsd === report.providerNanoUsd && report.openHolds === 0;
  console.log(isRight ? 'ok' : 'they differ');
  process.exitCode = isRight ? 0 : 1;
} finally {
  await lab.close();
}
