/**
 * Before anything is measured: does the subject answer what the mock provider said?
 *
 * @module
 */
import { chatBody, USAGE, type RequestTarget, type Scenario } from './workload.ts';

/**
 * Sends one request and looks at the answer.
 *
 * @throws Error naming what is missing: figures of a subject that drops content mean nothing
 */
export async function probe(scenario: Scenario, target: RequestTarget): Promise<void> {
  const response = await fetch(`${target.origin}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...target.headers },
    body: new Uint8Array(chatBody(scenario, target.model)),
    signal: AbortSignal.timeout(30_000),
  });
  const text = await response.text();
  const problem = problemOf(scenario, response.status, text);
  if (problem !== null) throw new Error(`${scenario.title}: ${problem}; got ${text.slice(0, 400)}`);
}

/** What is wrong with an answer, null when nothing is. */
export function problemOf(scenario: Scenario, status: number, text: string): string | null {
  if (status !== 200) return `status ${status}`;
  if (!text.includes(`"total_tokens":${USAGE.total_tokens}`)) return 'no usage';
  if (!scenario.stream) return text.includes('brown fox') ? null : 'no content';
  const chunks = text.split('"content":" word"').length - 1;
  if (chunks !== scenario.chunks) return `${chunks} of ${scenario.chunks} chunks`;
  return text.trimEnd().endsWith('data: [DONE]') ? null : 'no [DONE]';
}
