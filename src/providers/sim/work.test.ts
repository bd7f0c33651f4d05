import { describeJobProvider } from '../job.contract.ts';
import { simProvider } from './provider.ts';

const JOB = {
  id: 'sim-1',
  status: 'queued',
  progress: null,
  model: 'video',
  operation: 'video.text_to_video',
  reference: null,
  output: [],
  result: null,
  billed: false,
  failure: null,
};
const running = { ...JOB, status: 'processing', progress: 0.5 };

describeJobProvider({
  definition: simProvider,
  model: 'video',
  start(target) {
    if (simProvider.video === undefined) throw new Error('the simulator makes clips');
    return simProvider.video.start(
      {
        operation: 'video.text_to_video',
        prompt: 'A lighthouse',
        negativePrompt: null,
        image: null,
        lastImage: null,
        references: [],
        video: null,
        audio: null,
        seconds: 6,
        size: '1280x720',
        resolution: null,
        aspectRatio: null,
        withAudio: null,
        targetIndex: null,
        targetGender: null,
        seed: 7,
        extra: {},
      },
      target,
    );
  },
  usage: { video_clips: 1, video_ms: 6000 },
  startReply: JOB,
  stages: [
    { name: 'queued', reply: JOB, reading: 'pending', stage: 'queued' },
    { name: 'running', reply: running, reading: 'pending', stage: 'running' },
    {
      name: 'succeeded',
      reply: { ...JOB, status: 'succeeded', output: [{ url: 'https://provider.test/v1/f' }] },
      reading: 'succeeded',
      outputs: 1,
    },
    {
      name: 'failed',
      reply: { ...JOB, status: 'failed', failure: { code: 'x', message: 'No.' } },
      reading: 'failed',
    },
    {
      name: 'failed and billed',
      reply: { ...JOB, status: 'failed', billed: true },
      reading: 'failed',
      isBilled: true,
    },
    { name: 'cancelled', reply: { ...JOB, status: 'cancelled' }, reading: 'cancelled' },
  ],
  unknownState: { ...JOB, status: 'half-baked' },
  broken: [{}, { id: 'sim-1' }, { status: 5 }],
  lookUp: {
    found: (mark) => ({ data: [{ ...running, reference: mark }] }),
    none: { data: [] },
    unclear: () => ({ data: [running, { ...running, id: 'sim-2' }] }),
  },
});
