/**
 * What an alert says to people: one title, one message, for every channel and list.
 *
 * @module
 */
import type { AlertBody, LimitStanding } from './alerts-port.ts';

export interface AlertText {
  /** One line, without the customer. */
  readonly title: string;
  /** One or two sentences that say what to do. */
  readonly message: string;
}

function amount(standing: LimitStanding, value: string): string {
  // Nine places are for machines: people get cents, and more only where cents would say nothing.
  if (standing.meter !== 'cost_usd') return value;
  const cents = value.replace(/^(-?\d+\.\d\d)\d*$/, '$1');
  return `$${/[1-9]/.test(cents) ? cents : value}`;
}

function usage(standing: LimitStanding): string {
  const held = /[1-9]/.test(standing.held) ? ` (and ${amount(standing, standing.held)} held)` : '';
  return `${amount(standing, standing.used)}${held} of ${amount(standing, standing.limit)}`;
}

function until({ ends_at: endsAt }: LimitStanding): string {
  return endsAt === null ? 'This limit does not reset' : `It resets at ${endsAt}`;
}

function limitName({ limit_id: id, scope }: LimitStanding): string {
  return scope === 'customer' ? id : `${id} of ${scope}`;
}

/** The text of an alert. */
export function describeAlert(alert: AlertBody): AlertText {
  switch (alert.kind) {
    case 'threshold': {
      const { data } = alert;
      return {
        title: `${data.threshold} % of ${limitName(data)} used`,
        message: `${usage(data)} is used. ${until(data)}; a larger plan or an override raises it.`,
      };
    }
    case 'recovered': {
      const { data } = alert;
      return {
        title: `${limitName(data)} has recovered`,
        message: `${usage(data)} is used: ${data.percent} %.`,
      };
    }
    case 'wallet_low': {
      const { data } = alert;
      return {
        title: 'Credits run low',
        message: `$${data.balance_usd} is left, below $${data.below_usd}. A top-up raises it.`,
      };
    }
    case 'forecast': {
      const { data } = alert;
      return {
        title: `${limitName(data)} will not last`,
        message: `${usage(data)} is used; at this rate it will be ${amount(data, data.projected)} by ${data.ends_at ?? 'the end'}.`,
      };
    }
    case 'anomaly': {
      const { data } = alert;
      return {
        title: `Unusual spend of $${data.spent_usd} in an hour`,
        message: `The hour from ${data.hour} cost $${data.spent_usd}; the median of ${data.hours} hours with spend in the week before is $${data.usual_usd}.`,
      };
    }
    case 'ledger_mismatch': {
      const { data } = alert;
      return {
        title: 'The ledger does not match its counters',
        message: `${data.mismatches} counters differ from what the ledger says. Run "alwrity-gateway ledger verify" and restore a backup if it persists.`,
      };
    }
    case 'operator': {
      const { data } = alert;
      return {
        title: `${data.problem} at ${data.provider}`,
        message: `${data.detail.replace(/\.?$/, '.')} Correct the provider's credential or account.`,
      };
    }
    case 'leaked_holds': {
      const { data } = alert;
      return {
        title: 'Open holds belonged to no call',
        message: `${data.holds} holds are unknown now (${data.first.map(({ hold }) => hold).join(', ')}). They end by what their provider says, else by metering.unknownPolicy; "GET /admin/v1/ledger/holds?state=unknown" lists them.`,
      };
    }
    default:
      return alert satisfies never;
  }
}
