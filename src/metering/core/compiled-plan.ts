/** @module */
import type { PlanInput } from '../../contracts/metering.ts';
export interface CompiledPlan {
  readonly id: string;
  readonly version: number;
  readonly input: PlanInput;
}
/** @throws GatewayError `invalid_request` naming the limit's path */
export declare function compilePlan(plan: PlanInput, version: number): CompiledPlan;
