/**
 * A closed-loop client over plain sockets: every connection sends, waits for the whole answer, sends again.
 * Runs as a child process on the load core; also used in-process for probes.
 *
 * @module
 */
import { connect, type Socket } from 'node:net';
import { readFileSync } from 'node:fs';
import { Histogram } from './statistics.ts';
import { ResponseReader } from './response-reader.ts';

export interface ClientJob {
  readonly host: string;
  readonly port: number;
  readonly request: Buffer;
  readonly requests: number;
  readonly connections: number;
  readonly timeoutMs: number;
}

export interface ClientResult {
  readonly completed: number;
  readonly badStatuses: number;
  readonly socketErrors: number;
  readonly elapsedMs: number;
  /**
   * Latency quantiles in microseconds, first byte sent to last byte received; the first fifth of the
   * answers is left out, since this client is compiled meanwhile.
   */
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
}

class Run {
  readonly #job: ClientJob;
  readonly #histogram = new Histogram();
  readonly #sockets: Socket[] = [];
  #started = 0;
  #completed = 0;
  #badStatuses = 0;
  #socketErrors = 0;
  #done: () => void = () => undefined;

  constructor(job: ClientJob) {
    this.#job = job;
  }

  async execute(): Promise<ClientResult> {
    const startMs = performance.now();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.#job.timeoutMs);
      this.#done = () => {
        clearTimeout(timer);
        resolve();
      };
      const count = Math.min(this.#job.connections, this.#job.requests);
      for (let index = 0; index < count; index += 1) this.#open();
    });
    const elapsedMs = performance.now() - startMs;
    for (const socket of this.#sockets) socket.destroy();
    return {
      completed: this.#completed,
      badStatuses: this.#badStatuses,
      socketErrors: this.#socketErrors,
      elapsedMs,
      p50Us: this.#histogram.quantile(0.5),
      p99Us: this.#histogram.quantile(0.99),
      maxUs: this.#histogram.max,
    };
  }

  #open(): void {
    const socket = connect({ host: this.#job.host, port: this.#job.port, noDelay: true });
    this.#sockets.push(socket);
    let sentMs = 0;
    const send = (): void => {
      if (this.#started >= this.#job.requests) return;
      this.#started += 1;
      sentMs = performance.now();
      socket.write(this.#job.request);
    };
    const reader = new ResponseReader((status) => {
      this.#completed += 1;
      if (this.#completed * 5 > this.#job.requests) {
        this.#histogram.record((performance.now() - sentMs) * 1000);
      }
      if (status < 200 || status > 299) this.#badStatuses += 1;
      if (this.#completed >= this.#job.requests) this.#done();
      else send();
    });
    socket.on('connect', send);
    socket.on('data', (bytes: Buffer) => reader.push(bytes));
    socket.on('error', () => this.#fail());
    socket.on('end', () => this.#fail());
  }

  #fail(): void {
    this.#socketErrors += 1;
    // One broken connection spoils the count: there is nothing left to measure.
    this.#done();
  }
}

/** Runs the job; ends early on a socket error or after `timeoutMs`, which shows in `completed`. */
export async function runClient(job: ClientJob): Promise<ClientResult> {
  return await new Run(job).execute();
}

if (import.meta.main) {
  const [host = '', port = '', file = '', requests = '', connections = '', timeoutMs = ''] =
    process.argv.slice(2);
  const result = await runClient({
    host,
    port: Number(port),
    request: readFileSync(file),
    requests: Number(requests),
    connections: Number(connections),
    timeoutMs: Number(timeoutMs),
  });
  console.log(JSON.stringify(result));
}
