/**
 * F4: an address that takes no connection and refuses none.
 *
 * A process that listens with a backlog of one and never accepts: once the backlog is full, Linux drops further SYNs
 * (listen(2), net.ipv4.tcp_abort_on_overflow = 0), which is what a firewall that drops packets looks like.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { openFaultLab } from './fault-lab.ts';

const LISTENER = `
const server = require('node:net').createServer();
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  require('node:fs').writeSync(1, String(server.address().port) + '\\n');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60000);
});
`;

function isConnected(socket: Socket, withinMs: number): Promise<boolean> {
  return Promise.race([once(socket, 'connect').then(() => true), pause(withinMs, false)]);
}

it('F4: connect timeout, the next candidate, else 504; nothing booked', async (context) => {
  const child = spawn(process.execPath, ['-e', LISTENER], { stdio: ['ignore', 'pipe', 'inherit'] });
  const sockets: Socket[] = [];
  try {
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const port = Number(line.toString());
    for (let place = 0; place < 4; place += 1) {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {});
      sockets.push(socket);
      await isConnected(socket, 50);
    }
    const probe = connect(port, '127.0.0.1');
    probe.on('error', () => {});
    sockets.push(probe);
    if (await isConnected(probe, 300)) {
      context.skip('this kernel accepts beyond the backlog, so there is no blackhole to be had');
    }
    const lab = await openFaultLab({
      config: 'timeouts:\n  connectMs: 400\n',
      environment: { GROQ_BASE_URL: `http://127.0.0.1:${port}` },
    });
    for (const stream of [true, false]) {
      const route = lab.route('refused');
      const failed = await lab.send({ model: route.alone, stream });
      expect([failed.status, failed.error?.['code']]).toEqual([504, 'provider_timeout']);
      expect(failed.headers['x-should-retry']).toBe('true');
      const { record } = await lab.books(failed);
      expect(record.attempt_rows).toMatchObject([{ billable: 'no', http_status: null }]);
      expect(Number(record.cost)).toBe(0);
      const answered = await lab.send({ model: route.alias, stream });
      expect([answered.status, answered.model]).toEqual([200, route.fallback]);
    }
    await lab.assertClean();
    await lab.close();
  } finally {
    for (const socket of sockets) socket.destroy();
    child.kill('SIGKILL');
  }
});
