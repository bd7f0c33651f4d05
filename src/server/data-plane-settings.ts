/**
 * The data plane's settings, as the configuration gives them.
 *
 * @module
 */
import type { LoadedConfig } from '../config/index.ts';
import type { DataPlaneSettings } from '../gateway/gateway.ts';

const DAY_MS = 86_400_000;
const MIB = 1024 * 1024;
/** A whole answer takes as long as its last token; this much patience while another candidate could answer. */
const WHOLE_REPLY_WITH_FALLBACK_MS = 90_000;

/** Limits, timeouts and rules of every call. */
export function dataPlaneSettings(loaded: LoadedConfig): DataPlaneSettings {
  const { assets, limits, timeouts, stream, unknownParameters, customers, jobs, retention } =
    loaded.config;
  return {
    maxBodyBytes: limits.maxBodyBytes.chat,
    maxImageBodyBytes: limits.maxBodyBytes.image,
    maxAudioBodyBytes: limits.maxBodyBytes.audio,
    maxReplyBytes: limits.maxReplyBytes,
    generatedBy: assets.generatedBy === '' ? null : assets.generatedBy,
    maxJsonDepth: limits.maxJsonDepth,
    unknownParameters,
    autoCreatePlanId: customers.autoCreate === false ? null : customers.autoCreate,
    commit: stream.commit,
    keepaliveMs: stream.keepaliveMs,
    headersAfterMs: stream.headersAfterMs,
    firstEventMs: timeouts.firstEventWithFallbackMs,
    firstEventAloneMs: timeouts.firstEventMs,
    wholeReplyMs: WHOLE_REPLY_WITH_FALLBACK_MS,
    streamIdleMs: timeouts.betweenEventsMs,
    totalTextMs: timeouts.total.textMs,
    totalStreamMs: timeouts.total.streamMs,
    clientStallMs: timeouts.clientWriteStallMs,
    drainMs: 60_000,
    drainBytes: 8 * MIB,
    drainsMax: 64,
    jobs: {
      ...jobs,
      callbackUrl: assets.publicUrl === '' ? null : assets.publicUrl,
      keepMs: retention.jobsDays === false ? null : retention.jobsDays * DAY_MS,
    },
  };
}
