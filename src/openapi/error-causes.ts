/**
 * What leads to each error, for the documentation.
 *
 * @module
 */
import type { ErrorCode } from '../contracts/error-codes.ts';

/** One or two sentences a code: when it is raised. */
export const ERROR_CAUSES: Readonly<Record<ErrorCode, string>> = {
  limit_exceeded:
    'A limit of the plan is used up for its window, or the request alone is larger than the whole limit. `limits` names every limit in the way, and when it resets.',
  limit_held:
    'The limit would suffice, but calls in flight have reserved what is left. Reservations are upper bounds: most of one comes back when its call settles.',
  rate_limited: 'More calls or tokens a minute than the plan allows. `Retry-After` is exact.',
  concurrency_limited: 'As many calls are in progress as the plan allows at once.',
  not_in_plan:
    'The plan does not include the operation, or has set the meter it counts on to `disabled`.',
  model_not_allowed: 'The plan or the scopes of the key leave this model out.',
  subscription_inactive:
    'The customer has no subscription that may call: it is paused, cancelled, expired, or past due beyond its grace.',
  insufficient_funds: 'The plan is funded by a wallet, and the wallet cannot cover the cost at most.',
  unpriced_model:
    'The price book has no price for the model. A call whose cost is unknown is not made.',
  unbounded_cost:
    'No upper bound of the cost can be computed, so nothing can be reserved for the call.',
  invalid_request:
    'The request cannot be read or contradicts itself. `param` is the path of the member at fault, such as `messages[0].content`.',
  context_length_exceeded: 'Input and requested output do not fit the context of the model.',
  method_not_allowed: 'The path exists, but not with this method.',
  payload_too_large: 'The body is larger than its route accepts (`limits.maxBodyBytes`).',
  unsupported_media_type: 'The content type of the body is not one that the route reads.',
  range_not_satisfiable: 'The `Range` header asks for bytes that the asset does not have.',
  model_not_found: 'No configured provider has a model of this name, and no alias is called so.',
  not_found: 'There is no such path or object, or it belongs to another customer.',
  request_timeout: 'The client took too long to send its request.',
  loop_detected:
    'The request has passed through this gateway before: the base URL of a provider points back at it.',
  invalid_api_key: 'The key is missing, unknown, revoked or expired. The answer does not say which.',
  forbidden:
    'The key is valid, but not for this: an admin key on the data plane, another key on the control plane, another customer’s name, or an operation or address outside its scopes.',
  idempotency_mismatch: 'The `Idempotency-Key` was used before with a different request.',
  idempotency_in_flight:
    'The first request with this `Idempotency-Key` has not finished, or was cut off by a stop of the gateway and the ledger has not decided yet how it is booked.',
  idempotency_completed:
    'The first request with this `Idempotency-Key` is over and is not run again, but there is no reply to send: it was too large to be kept, or it was cut off by its client or by a stop of the gateway. The message says which, and names the request.',
  conflict: 'The object exists already, or has changed in the meantime.',
  provider_auth: 'The provider refused the credential that the operator configured.',
  provider_credit: 'The operator’s account with the provider has no money left.',
  provider_rate_limited: 'Every candidate is limited by its provider. The wait is the provider’s own.',
  provider_error:
    'The provider failed, or sent what cannot be read, and no other candidate could answer.',
  provider_timeout: 'No candidate answered within the time allowed.',
  stream_interrupted:
    'The provider’s stream broke after part of the answer was sent. What was received is incomplete.',
  content_filtered: 'The provider refused the content of the request or of its answer.',
  metering_unavailable:
    'The ledger cannot record the call at the moment. Calls that cannot be recorded are not made.',
  overloaded: 'The gateway has as many calls in progress as it accepts (`limits.maxInFlight`).',
  draining: 'This process is shutting down and accepts no new calls.',
  internal_error: 'A fault of the gateway itself. The log has the cause under the request id.',
};
