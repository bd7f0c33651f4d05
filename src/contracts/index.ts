/**
 * The contracts as a package door (`alwrity-gateway/contracts`): for providers and tools of others. Inside this
 * repository the modules are imported one by one.
 *
 * @module
 */
export * from './background-removal-provider.ts';
export * from './call-look-up.ts';
export * from './durations.ts';
export * from './embedding-provider.ts';
export * from './error-codes.ts';
export * from './face-swap-provider.ts';
export * from './flat-text.ts';
export * from './gateway-error.ts';
export * from './idempotency.ts';
export * from './ids.ts';
export * from './image-provider.ts';
export * from './image-upscale-provider.ts';
export * from './job-provider.ts';
export * from './limit-status.ts';
export * from './media-model.ts';
export * from './media-stream.ts';
export * from './media.ts';
export * from './metering.ts';
export * from './moderation-provider.ts';
export * from './money.ts';
export * from './price-question.ts';
export * from './provider-failure.ts';
export * from './provider.ts';
export * from './speech-provider.ts';
export * from './text-provider.ts';
export * from './text.ts';
export * from './transcription-provider.ts';
export * from './usage.ts';
export * from './video-provider.ts';
export * from './voice-provider.ts';
export * from './wire.ts';
