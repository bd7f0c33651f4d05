import { describeSubscriptionEvents } from '../../metering/subscription-events.contract.ts';
import { describeSubscriptions } from '../../metering/subscriptions.contract.ts';
import { sqliteSuite } from './testing/sqlite-suite.ts';

describeSubscriptions(sqliteSuite);
describeSubscriptionEvents(sqliteSuite);
