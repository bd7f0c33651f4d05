import { describe, expect, it } from 'vitest';
import {
  coreBusyMicrosOf,
  cpuMicrosOf,
  readCpuMicros,
  readReceivedBytes,
  readResidentBytes,
  readThreadMicros,
  receivedBytesOf,
  residentBytesOf,
  threadNameOf,
} from '../../bench/process-accounting.ts';

const FIELDS_AFTER_NAME = 'S 1 2 2 0 -1 4194560 100 0 0 0 150 25 7 9 20 0 11 0 5000 1000 2000';

describe('cpuMicrosOf', () => {
  it('adds user and system ticks, without those of ended children', () => {
    expect(cpuMicrosOf(`42 (node) ${FIELDS_AFTER_NAME}`)).toBe(1_750_000);
  });

  it('is not misled by brackets and spaces in the command name', () => {
    expect(cpuMicrosOf(`42 (a) b (c d) ${FIELDS_AFTER_NAME}`)).toBe(1_750_000);
  });

  it('refuses other text', () => {
    expect(() => cpuMicrosOf('nothing of the kind')).toThrow('/proc/<pid>/stat');
  });
});

describe('residentBytesOf', () => {
  it('reads VmRSS', () => {
    expect(residentBytesOf('Name:\tnode\nVmHWM:\t  900 kB\nVmRSS:\t  512 kB\n')).toBe(524_288);
  });

  it('refuses a text without it, as of a kernel thread', () => {
    expect(() => residentBytesOf('Name:\tkthreadd\n')).toThrow('VmRSS');
  });
});

describe('receivedBytesOf', () => {
  it('reads rchar', () => {
    expect(receivedBytesOf('rchar: 4242\nwchar: 7\nread_bytes: 1\n')).toBe(4242);
  });

  it('refuses a text without it', () => {
    expect(() => receivedBytesOf('wchar: 7\n')).toThrow('rchar');
  });

  it('is 0 for a process that does not exist', () => {
    expect(readReceivedBytes(0)).toBe(0);
  });
});

describe('coreBusyMicrosOf', () => {
  const text = 'cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 1 2 3 900 50 4 5 6 0 0\ncpu10 7 0 0 0 0 0 0 0 0 0\n';

  it('adds everything but idling and waiting for disks', () => {
    expect(coreBusyMicrosOf(text, 0)).toBe(210_000);
    expect(coreBusyMicrosOf(text, 10)).toBe(70_000);
  });

  it('refuses a core that is not there', () => {
    expect(() => coreBusyMicrosOf(text, 1)).toThrow('core 1');
  });
});

it.skipIf(process.platform !== 'linux')('reads the accounts of a living process', () => {
  const before = readCpuMicros(process.pid);
  expect(before).toBeGreaterThan(0);
  expect(readCpuMicros(process.pid)).toBeGreaterThanOrEqual(before);
  expect(readThreadMicros(process.pid).get('main thread')).toBeGreaterThan(0);
  expect(readResidentBytes(process.pid)).toBeGreaterThan(10_000_000);
});

it('threadNameOf names the main thread so, and others as the kernel does', () => {
  expect(threadNameOf(`42 (node) ${FIELDS_AFTER_NAME}`, true)).toBe('main thread');
  expect(threadNameOf(`43 (node-V8Worker) ${FIELDS_AFTER_NAME}`, false)).toBe('node-V8Worker');
});
