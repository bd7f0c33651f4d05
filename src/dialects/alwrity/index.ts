/**
 * ALwrity's subscription routes, answered from the same ledger and plans.
 *
 * @module
 */
export { answerAlerts, alertsQuery } from './alerts.ts';
export { ALWRITY_PREFIX, alwrityProblemSchema, renderAlwrityError } from './errors.ts';
export { answerPlans, answerPricing, answerStatus, answerSubscription } from './plans.ts';
export { readPreflight } from './preflight.ts';
export { answerDashboard, answerTrends, answerUsage, trendsQuery, usageQuery } from './usage.ts';
export { answerUsageLogs, usageLogsQuery } from './usage-logs.ts';
