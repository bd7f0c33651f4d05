import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { findPortHolder, listeningInodes, programName } from './port-holder.ts';

const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2256 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 111 1 0 100 0 0 10 0
   1: 0100007F:2256 0100007F:C001 01 00000000:00000000 00:00000000 00000000  1000        0 222 1 0 100 0 0 10 0
   2: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 333 1 0 100 0 0 10 0`;

describe('port holder', () => {
  it('finds listening sockets of a port, not connections on it', () => {
    expect(listeningInodes(TABLE, 8790)).toEqual(['111']);
    expect(listeningInodes(TABLE, 80)).toEqual(['333']);
    expect(listeningInodes(TABLE, 81)).toEqual([]);
  });

  it('names program and script, never other arguments', () => {
    expect(programName('/usr/bin/node\0/srv/main.ts\0--token\0secret\0')).toBe('node main.ts');
    expect(programName('redis-server\0--requirepass secret\0')).toBe('redis-server');
    expect(programName('')).toBe('a program');
  });

  it.runIf(process.platform === 'linux')('finds this process', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as AddressInfo;
      expect(findPortHolder(port)?.pid).toBe(process.pid);
    } finally {
      server.close();
    }
  });
});
