/**
 * `POST /v1/quotes` as it is written (contract §4.1). Closed: a member that is not known is refused with its path, so
 * that no quote leaves out what its author meant.
 *
 * @module
 */
import { z } from 'zod';
import { OPERATIONS, type Operation } from '../../contracts/metering.ts';

/** Uses of one operation in one quote. */
const COUNT_MAX = 1_000;
const OPERATIONS_MAX = 100;
/** The longest life that any plan may allow. */
const TTL_MAX_S = 86_400;
const AMOUNT_MAX = 1_000_000_000;

const TYPES = [...OPERATIONS, 'video.generate'] as const;
type QuoteType = (typeof TYPES)[number];

const count = z.int().positive().max(AMOUNT_MAX);
const seconds = z.number().positive().max(AMOUNT_MAX);
const word = z.string().min(1).max(40);

const operationSchema = z.strictObject({
  id: z
    .string()
    .regex(/^[\w.:-]{1,64}$/, { message: 'must be 1 to 64 of A-Z, a-z, 0-9, _, ., : and -' })
    .optional()
    .describe('Unique in the quote; default `op1`, `op2` …'),
  type: z.enum(TYPES).describe('`video.generate` is `video.text_to_video`.'),
  model: z.string().min(1).max(512).describe('`provider/model`, an alias or a bare name.'),
  input: z
    .strictObject({
      tokens: count.optional(),
      chars: count.optional(),
      seconds: seconds.optional(),
    })
    .optional()
    .describe('One of the three.'),
  output: z.strictObject({ max_tokens: count.optional() }).optional(),
  image: z
    .strictObject({
      n: z.int().positive().max(COUNT_MAX).optional(),
      size: word.optional(),
      quality: word.optional(),
    })
    .optional(),
  video: z
    .strictObject({
      seconds: seconds.optional(),
      size: word.optional(),
      resolution: word.optional(),
      audio: z.boolean().optional(),
    })
    .optional(),
  service_tier: word
    .optional()
    .describe('Of text.generate, as the calls will name it: `flex`, `priority`, `batch`, `auto` …'),
  count: z.int().positive().max(COUNT_MAX).optional().describe('Uses; default 1.'),
});

/** The member that belongs to one modality only. */
const OWN_MODALITY = { output: 'text', image: 'image', video: 'video' } as const;

function modalityOf(type: QuoteType): string {
  return type.slice(0, type.indexOf('.'));
}

const checkedOperation = operationSchema.superRefine((operation, context) => {
  const { input = {}, type } = operation;
  for (const member of ['output', 'image', 'video'] as const) {
    if (operation[member] === undefined || OWN_MODALITY[member] === modalityOf(type)) continue;
    context.addIssue({ code: 'custom', path: [member], message: `is no member of ${type}` });
  }
  if (operation.service_tier !== undefined && type !== 'text.generate') {
    const message = `is no member of ${type}`;
    context.addIssue({ code: 'custom', path: ['service_tier'], message });
  }
  if (Object.values(input).filter((value) => value !== undefined).length > 1) {
    context.addIssue({
      code: 'custom',
      path: ['input'],
      message: 'must state one of tokens, chars and seconds',
    });
  }
});

/** The whole body. */
export const quoteRequestSchema = z.strictObject({
  operations: z
    .array(checkedOperation)
    .min(1)
    .max(OPERATIONS_MAX)
    .superRefine((operations, context) => {
      const ids = new Set<string>();
      operations.forEach((operation, index) => {
        const id = operation.id ?? defaultId(index);
        if (ids.has(id)) {
          const message = `"${id}" names another operation already`;
          context.addIssue({ code: 'custom', path: [index, 'id'], message });
        }
        ids.add(id);
      });
    }),
  hold: z
    .strictObject({
      mode: z.enum(['none', 'all', 'all_or_nothing']).optional().describe('Default `none`.'),
      ttl_s: z
        .int()
        .positive()
        .max(TTL_MAX_S)
        .optional()
        .describe('Default 600; at most 900, or the plan’s `max_quote_ttl_s`.'),
    })
    .optional(),
});
export type QuoteBody = z.infer<typeof quoteRequestSchema>;

/** Name of an operation that has none. */
export function defaultId(index: number): string {
  return `op${index + 1}`;
}

/** The operation that a type stands for. */
export function operationOfType(type: QuoteType): Operation {
  return type === 'video.generate' ? 'video.text_to_video' : type;
}
