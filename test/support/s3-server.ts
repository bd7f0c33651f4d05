/**
 * An S3-compatible server that this project did not write: moto (https://docs.getmoto.org/en/latest/docs/server_mode.html), which
 * checks signatures and policies. `GATEWAY_S3_SERVER` names the folder that it was installed into
 * (`pip install --target <folder> 'moto[server]'`).
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';

/** One that runs, with a bucket `media`. */
export interface S3Server {
  readonly endpoint: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  stop(): Promise<void>;
}

const START_TRIES = 300;
const TRY_EVERY_MS = 100;
/** Of the user, of its key, of its policy and of the bucket. */
const ACTIONS_BEFORE_AUTHENTICATION = 4;

/** The folder, or null where no server is installed. */
export function s3ServerFolder(): string | null {
  const folder = process.env['GATEWAY_S3_SERVER'];
  return folder === undefined || folder === '' ? null : folder;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** One call of AWS's identity service, as a stranger: the first few are let through. */
async function identity(endpoint: string, parameters: Record<string, string>): Promise<string> {
  const reply = await fetch(endpoint, {
    method: 'POST',
    headers: {
      authorization:
        'AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=x',
    },
    body: new URLSearchParams({ Version: '2010-05-08', ...parameters }),
  });
  const text = await reply.text();
  if (!reply.ok) throw new Error(`the S3 server answers ${reply.status}: ${text.slice(0, 300)}`);
  return text;
}

function member(xml: string, name: string): string {
  const value = new RegExp(`<${name}>([^<]+)</${name}>`, 'u').exec(xml)?.[1];
  if (value === undefined) throw new Error(`no ${name} in ${xml.slice(0, 300)}`);
  return value;
}

async function untilItAnswers(endpoint: string, child: ChildProcess): Promise<void> {
  for (let left = START_TRIES; left > 0; left -= 1) {
    if (child.exitCode !== null) throw new Error(`the S3 server ended with ${child.exitCode}`);
    try {
      await fetch(`${endpoint}/moto-api/`);
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, TRY_EVERY_MS));
    }
  }
  throw new Error('the S3 server did not start');
}

async function prepare(endpoint: string): Promise<S3Server['credentials']> {
  const user = { UserName: 'gateway' };
  await identity(endpoint, { Action: 'CreateUser', ...user });
  const key = await identity(endpoint, { Action: 'CreateAccessKey', ...user });
  const allowed = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }],
  };
  const document = { PolicyName: 'media', PolicyDocument: JSON.stringify(allowed) };
  await identity(endpoint, { Action: 'PutUserPolicy', ...user, ...document });
  const made = await fetch(`${endpoint}/media`, { method: 'PUT' });
  if (!made.ok) throw new Error(`the bucket was not made: ${made.status}`);
  return {
    accessKeyId: member(key, 'AccessKeyId'),
    secretAccessKey: member(key, 'SecretAccessKey'),
  };
}

/** Starts one on a free port of the loopback interface. */
export async function startS3Server(folder: string): Promise<S3Server> {
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const child = spawn('python3', ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)], {
    stdio: 'ignore',
    env: {
      ...process.env,
      PYTHONPATH: folder,
      INITIAL_NO_AUTH_ACTION_COUNT: String(ACTIONS_BEFORE_AUTHENTICATION),
    },
  });
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  };
  try {
    await untilItAnswers(endpoint, child);
    return { endpoint, credentials: await prepare(endpoint), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
