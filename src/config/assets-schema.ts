/**
 * Settings of stored media.
 *
 * @module
 */
import { z } from 'zod';
import { durationMs, integer, keptDays, sizeBytes, text, truth } from './setting-types.ts';

const SECOND = 1000;
const DAY = 86_400_000;
const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

/** `assets.s3`: an S3-compatible store for the bytes. */
const s3Schema = z
  .strictObject({
    bucket: z
      .string()
      .regex(/^$|^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, {
        error: 'must be a bucket name of 3 to 63 small letters, digits, dots and hyphens, or empty',
      })
      .prefault('')
      .meta({ 'x-kind': 'text' })
      .describe('Name of a bucket that exists. Empty: bytes lie in `<dataDir>/assets`.'),
    region: text(64).prefault('us-east-1').describe('Region of the bucket.'),
    endpoint: z
      .string()
      .max(2048)
      .regex(/^$|^https?:\/\/[^/?#\s]+$/, {
        error: 'must be an http or https origin without a path, or empty',
      })
      .prefault('')
      .meta({ 'x-kind': 'text' })
      .describe('Address of a store other than AWS, such as `https://minio.example.com`.'),
    prefix: z
      .string()
      .max(512)
      .regex(/^$|^[A-Za-z0-9._/-]+\/$/, { error: 'must be empty or end with /' })
      .prefault('')
      .meta({ 'x-kind': 'text' })
      .describe(
        'Stands before every key, as `gateway/`. It must be used by one gateway alone: contents below it that no asset owns are removed.',
      ),
    pathStyle: truth()
      .prefault(false)
      .describe('Whether the bucket stands in the path instead of the host name.'),
  })
  .prefault({})
  .describe(
    'S3-compatible store for the bytes of assets. Credentials come from `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or as AWS tools find them.',
  );

/** `assets` of the configuration. */
export const assetsSchema = z
  .strictObject({
    maxBytes: sizeBytes({ min: KIB, max: 64 * GIB })
      .prefault('512mb')
      .describe('Largest single asset, uploaded, fetched or made by a provider.'),
    maxPixels: integer({ min: 1, max: 4_000_000_000 })
      .prefault(100_000_000)
      .describe(
        'Most pixels of a picture by its header. A larger one is refused before anything decodes it.',
      ),
    keepFreeBytes: sizeBytes({ min: 0, max: 1024 * GIB })
      .prefault('256mb')
      .describe(
        'Free space of the disk that media leaves alone, since the ledger may lie there too; below it nothing more is stored (503).',
      ),
    expireAfterDays: keptDays()
      .prefault(30)
      .describe('Days after which an asset is removed, or `false`: never.'),
    expireAfterDaysByPlan: z
      .record(text(64), keptDays())
      .prefault({})
      .describe('The same for customers of single plans, by plan id.'),
    urlTtlMs: durationMs({ min: SECOND, max: 7 * DAY })
      .prefault('1h')
      .describe('How long a signed URL of an asset is valid; never longer than the asset.'),
    publicUrl: z
      .string()
      .max(2048)
      .regex(/^$|^https?:\/\/[^/?#\s]+[^?#\s]*$/, {
        error: 'must be an http or https URL without query, or empty',
      })
      .prefault('')
      .meta({ 'x-kind': 'text' })
      .describe(
        'Under which clients reach the gateway, such as `https://ai.example.com`: signed URLs begin with it. Empty: with the host that the request named.',
      ),
    generatedBy: z
      .string()
      .max(200)
      .prefault('')
      .meta({ 'x-kind': 'text' })
      .describe(
        'Written as XMP into PNG and JPEG pictures that providers make, with the note that a model has made them; pictures with Content Credentials or XMP of their own stay as they are. Empty: nothing is written.',
      ),
    fetchTimeoutMs: durationMs({ min: 100, max: 3600 * SECOND })
      .prefault('60s')
      .describe('Time in which an https URL that a caller named must have been fetched whole.'),
    allowPrivateHosts: z
      .array(text(255))
      .max(1000)
      .prefault([])
      .describe(
        'Hosts and addresses from which callers may have media fetched although they are private, on any port and by http; `*` allows every host. Callers choose these URLs, so this is apart from `egress.allowPrivateHosts`.',
      ),
    s3: s3Schema,
  })
  .prefault({})
  .check((context) => {
    const { s3, maxBytes } = context.value;
    if (s3.bucket !== '' && maxBytes > 5 * GIB) {
      context.issues.push({
        code: 'custom',
        input: maxBytes,
        path: ['maxBytes'],
        message: 'must be at most 5gb where assets lie in S3: that is its largest single upload',
      });
    }
  })
  .describe('Stored media: what callers upload and providers make.');
