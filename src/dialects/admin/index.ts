/**
 * The control plane's public door.
 *
 * @module
 */
export { ADMIN_PREFIX, type AdminRoute } from './admin-route.ts';
export { createAdminApp, type AdminBindings, type AdminEnvironment } from './app.ts';
export type { AdminDependencies, ShownCatalogue, ShownConfig } from './dependencies.ts';
export { adminOpenApi } from './openapi.ts';
export {
  asGatewayError,
  ERROR_DOCS_PATH,
  PROBLEM_CONTENT_TYPE,
  problemSchema,
  renderProblem,
  type ProblemContext,
  type RenderedProblem,
} from './problem.ts';
export { ADMIN_ROUTES } from './routes/index.ts';
export { requestDetailSchema } from './routes/requests.ts';
export { usageReportSchema } from './usage-question.ts';
