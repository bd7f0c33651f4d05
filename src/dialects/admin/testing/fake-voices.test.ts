import { describeVoiceRecords } from '../../../metering/voice-records.contract.ts';
import { createFakeVoices } from './fake-voices.ts';

describeVoiceRecords({
  name: 'the fake store',
  create: async () => ({ records: createFakeVoices(), dispose: async () => undefined }),
});
