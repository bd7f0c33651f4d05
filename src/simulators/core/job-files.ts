/**
 * Addresses of results, and what may be wrong with them ({@link JobBoard}).
 *
 * @module
 */
import type { FamilyRoute, SimulatedCall } from './family.ts';
import { resultFault, type BoardJob, type MadeFile } from './job-board.ts';
import type { BodyReply } from './reply.ts';

function refusal(status: number, message: string): BodyReply {
  const headers = { 'content-type': 'application/json' };
  return { kind: 'body', status, headers, body: JSON.stringify({ message }), usage: null };
}

function fileReply(call: SimulatedCall, job: BoardJob, made: MadeFile): BodyReply {
  const expires = call.query.get('expires');
  if (expires !== null && Number(expires) < Date.now()) {
    return refusal(403, 'This address has expired.');
  }
  const isMoved = call.query.has('moved');
  const move = (location: string): BodyReply => ({
    kind: 'body',
    status: 302,
    headers: { location, 'content-type': 'text/html' },
    body: '<html>Moved</html>',
    usage: null,
  });
  switch (isMoved ? null : resultFault(job.prompt)) {
    case 'html':
      return {
        kind: 'body',
        status: 200,
        headers: { 'content-type': 'text/html' },
        body: '<html>Sign in</html>',
        usage: null,
      };
    case 'gone':
      return refusal(404, 'There is no such file.');
    case 'redirect':
      return move(`${call.prefix}${call.path}?moved=1`);
    case 'private':
      return move('http://169.254.169.254/latest/meta-data');
    default:
      return {
        kind: 'body',
        status: 200,
        headers: { 'content-type': made.type },
        body: made.bytes,
        usage: null,
      };
  }
}

/**
 * The route of a result's address, whose first group is the job's id and the second the number of its file; null for any other
 * path.
 */
export function jobFileRoute(call: SimulatedCall, pattern: RegExp): FamilyRoute | null {
  const match = call.method === 'GET' ? pattern.exec(call.path) : null;
  return match === null ? null : file(call, match[1] ?? '', Number(match[2]));
}

function file(call: SimulatedCall, id: string, at: number): FamilyRoute {
  return {
    model: null,
    stream: false,
    answer() {
      const job = call.jobs.get(id);
      const make = job?.files[at];
      if (job === null || make === undefined || job.state !== 'succeeded') {
        return refusal(404, 'There is no such file.');
      }
      return fileReply(call, job, make());
    },
  };
}
