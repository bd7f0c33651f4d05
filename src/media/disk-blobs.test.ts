import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { describeBlobs } from './blobs.contract.ts';
import { createDiskBlobs } from './disk-blobs.ts';

const root = mkdtempSync(join(tmpdir(), 'disk-blobs-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describeBlobs('files', async () => createDiskBlobs(mkdtempSync(join(root, 'place-'))));
