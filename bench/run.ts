/**
 * `npm run bench`: a bare relay, this gateway with everything on, and Portkey's open gateway, in one
 * run on one machine. Method: docs/benchmarks.md.
 *
 * @module
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasTaskset, hasWrk, moveToCores, SUBJECT_CORE } from './children.ts';
import { runLoad, runSocketClient, Upstream } from './load.ts';
import {
  LATENCY_CONNECTIONS,
  FOREIGN_SHARE_LIMIT,
  measureCpu,
  measureLatency,
  measureSteadyCpu,
  requestCount,
  residentMegabytes,
  SATURATING_CONNECTIONS,
  Tally,
  type CpuSample,
  type LatencySample,
  type MeasureContext,
} from './measure.ts';
import { parseBenchOptions, USAGE_TEXT, type BenchOptions } from './options.ts';
import { readThreadMicros } from './process-accounting.ts';
import { probe } from './probe.ts';
import {
  renderDifference,
  renderProfile,
  summariseFolder,
  type ProfileSummary,
} from './profile.ts';
import { renderReport, replaceFigures, type BenchFigures } from './report.ts';
import {
  startGateway,
  startPortkey,
  startRelay,
  type Subject,
  type SubjectOptions,
} from './subjects.ts';
import { MODEL, SCENARIOS, type Scenario } from './workload.ts';

interface Session extends MeasureContext {
  readonly options: BenchOptions;
  readonly subjects: readonly Subject[];
  readonly skipped: readonly string[];
}

const say = (text: string): void => void process.stderr.write(`${text}\n`);
const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error))
    .split('\n')
    .slice(0, 3)
    .join(' ')
    .slice(0, 600);

async function startSubjects(
  options: BenchOptions,
  upstream: Upstream,
  directory: string,
): Promise<Pick<Session, 'subjects' | 'skipped'>> {
  const subjects: Subject[] = [];
  const skipped: string[] = [];
  const start = async (
    name: string,
    begin: (options: SubjectOptions) => Promise<Subject>,
  ): Promise<void> => {
    const own = join(directory, name);
    mkdirSync(own);
    try {
      subjects.push(
        await begin({ upstreamOrigin: upstream.origin, directory: own, profileDirectory: null }),
      );
      say(`${name}: started`);
    } catch (error) {
      skipped.push(`${name}: ${reasonOf(error)}`);
      say(`${name}: cannot be started, left out: ${reasonOf(error)}`);
    }
  };
  await start('relay', startRelay);
  if (options.gateway) await start('gateway', startGateway);
  else skipped.push('gateway: --no-gateway');
  if (options.portkey) await start('portkey', startPortkey);
  else skipped.push('portkey: --no-portkey');
  return { subjects, skipped };
}

/** Probes every scenario, then runs each long enough for the optimising compiler to be done. */
async function warmUp(session: Session, subject: Subject): Promise<void> {
  for (const scenario of session.options.scenarios) {
    await probe(scenario, subject.target);
    session.tally.add(subject.id, 1);
    const requests = requestCount(subject.id, scenario.id, session.options.scale);
    const job = { scenario, requests, connections: SATURATING_CONNECTIONS };
    await measureCpu({ subject, job }, session);
  }
  say(`${subject.id}: warm`);
}

/** Leaves out the subjects that fail while they warm up; the others are still worth measuring. */
async function warmUpAll(session: Session): Promise<Session> {
  const subjects: Subject[] = [];
  const skipped = [...session.skipped];
  for (const subject of session.subjects) {
    try {
      await warmUp(session, subject);
      subjects.push(subject);
    } catch (error) {
      skipped.push(`${subject.id}: ${reasonOf(error)}`);
      say(`${subject.id}: fails, left out: ${reasonOf(error)}`);
    }
  }
  return { ...session, subjects, skipped };
}

/** Every other round runs backwards, so that none always follows the same neighbour. */
function turnsOf(session: Session, round: number): readonly Subject[] {
  return round % 2 === 0 ? session.subjects : session.subjects.toReversed();
}

type CpuSamples = Map<Scenario['id'], Map<string, CpuSample[]>>;

/** Every kind in every round, so that the kinds can be compared by round as well as the subjects. */
async function measureRounds(session: Session): Promise<CpuSamples> {
  const samples: CpuSamples = new Map();
  for (const scenario of session.options.scenarios) samples.set(scenario.id, new Map());
  for (let round = 0; round < session.options.rounds; round += 1) {
    for (const scenario of session.options.scenarios) {
      for (const [id, sample] of await measureRound(session, scenario, round)) {
        const bySubject = samples.get(scenario.id);
        bySubject?.set(id, [...(bySubject.get(id) ?? []), sample]);
      }
    }
  }
  return samples;
}

async function measureRound(
  session: Session,
  scenario: Scenario,
  round: number,
): Promise<Map<string, CpuSample>> {
  const samples = new Map<string, CpuSample>();
  for (const subject of turnsOf(session, round)) {
    const requests = requestCount(subject.id, scenario.id, session.options.scale);
    const job = { scenario, requests, connections: SATURATING_CONNECTIONS };
    const sample = await measureSteadyCpu({ subject, job }, session);
    samples.set(subject.id, sample);
    const foreign =
      sample.foreignShare > FOREIGN_SHARE_LIMIT
        ? ` (others used ${(sample.foreignShare * 100).toFixed(0)} % of the core)`
        : '';
    say(
      `${scenario.id} round ${round + 1} ${subject.id}: ${sample.cpuUsPerRequest.toFixed(1)} CPU-µs, ${sample.requestsPerSecond.toFixed(0)}/s${foreign}`,
    );
  }
  return samples;
}

async function measureLatencies(
  session: Session,
): Promise<{ latency: Map<string, LatencySample[]>; direct: LatencySample[] }> {
  const latency = new Map<string, LatencySample[]>();
  const direct: LatencySample[] = [];
  const scenario = SCENARIOS.small;
  const directTarget = { origin: session.upstream.origin, model: MODEL, headers: {} };
  for (let round = 0; round < session.options.rounds; round += 1) {
    const requests = requestCount('relay', scenario.id, session.options.scale) / 2;
    direct.push(
      await runSocketClient(
        { scenario, requests, connections: LATENCY_CONNECTIONS, target: directTarget },
        session,
      ),
    );
    for (const subject of turnsOf(session, round)) {
      const count = Math.round(requestCount(subject.id, scenario.id, session.options.scale) / 2);
      const sample = await measureLatency(
        { subject, job: { scenario, requests: count, connections: LATENCY_CONNECTIONS } },
        session,
      );
      latency.set(subject.id, [...(latency.get(subject.id) ?? []), sample]);
    }
  }
  return { latency, direct };
}

/** Throughput when the subject may use both cores, next to generator and provider. */
async function measureUnpinned(
  session: Session,
): Promise<{ unpinned: Map<string, number[]>; directRps: number[] }> {
  const unpinned = new Map<string, number[]>();
  const directRps: number[] = [];
  const scenario = SCENARIOS.small;
  for (const subject of session.subjects) moveToCores(subject.pid, '0,1');
  for (let round = 0; round < session.options.rounds; round += 1) {
    const direct = await runLoad(
      {
        scenario,
        requests: requestCount('relay', scenario.id, session.options.scale) * 2,
        connections: SATURATING_CONNECTIONS,
        target: { origin: session.upstream.origin, model: MODEL, headers: {} },
      },
      session,
    );
    directRps.push(direct.requestsPerSecond);
    for (const subject of turnsOf(session, round)) {
      const requests = requestCount(subject.id, scenario.id, session.options.scale);
      const sample = await measureCpu(
        { subject, job: { scenario, requests, connections: SATURATING_CONNECTIONS } },
        session,
      );
      unpinned.set(subject.id, [...(unpinned.get(subject.id) ?? []), sample.requestsPerSecond]);
    }
  }
  for (const subject of session.subjects) moveToCores(subject.pid, SUBJECT_CORE);
  return { unpinned, directRps };
}

async function measureSoak(session: Session): Promise<BenchFigures['soak']> {
  const requests = session.options.soakRequests;
  const subject = session.subjects.find((each) => each.id === 'gateway');
  if (requests === null || subject === undefined) return null;
  const send = async (count: number): Promise<number> => {
    // Portions stay below the time limit of a run.
    for (let left = count; left > 0; left -= 200_000) {
      const job = {
        scenario: SCENARIOS.small,
        requests: Math.min(left, 200_000),
        connections: SATURATING_CONNECTIONS,
      };
      await measureCpu({ subject, job }, session);
      say(`soak: ${left} left`);
    }
    return residentMegabytes(subject);
  };
  const early = Math.max(1, Math.round(requests / 10));
  const earlyMb = await send(early);
  return { requests, earlyMb, lateMb: await send(requests - early) };
}

async function compare(started: Session): Promise<BenchFigures> {
  const session = await warmUpAll(started);
  const memoryAfterWarmUp = new Map(
    session.subjects.map((each) => [each.id, residentMegabytes(each)]),
  );
  const cpu = await measureRounds(session);
  const { latency, direct } = await measureLatencies(session);
  const { unpinned, directRps } = await measureUnpinned(session);
  const subjects = session.subjects.map((subject) => ({
    id: subject.id,
    title: subject.title,
    cpu: new Map([...cpu].map(([id, bySubject]) => [id, bySubject.get(subject.id) ?? []])),
    latency: latency.get(subject.id) ?? [],
    unpinnedRps: unpinned.get(subject.id) ?? [],
    memoryAfterWarmUpMb: memoryAfterWarmUp.get(subject.id) ?? Number.NaN,
    memoryAfterRunMb: residentMegabytes(subject),
  }));
  const soak = await measureSoak(session);
  const gateway = session.subjects.find((each) => each.id === 'gateway');
  return {
    machine: machineText(session.temporaryDirectory),
    date: new Date().toISOString().slice(0, 10),
    rounds: session.options.rounds,
    scenarios: session.options.scenarios,
    subjects,
    directLatency: direct,
    directRps,
    skipped: session.skipped,
    proof: (await gateway?.control?.prove(session.tally.of('gateway'))) ?? null,
    soak,
  };
}

/** TMPFS_MAGIC of statfs(2). */
const RAM_DISK = 0x01021994;

function machineText(directory: string): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const pinning = hasTaskset
    ? 'subject on one core, generator and provider on the other'
    : 'NOT pinned to cores';
  const disk =
    statfsSync(directory).type === RAM_DISK
      ? '; data on a RAM DISK, where durable writes cost nothing'
      : '';
  const generator = hasWrk ? 'wrk' : 'own socket client';
  return `${cpus().length} cores of ${model}, ${process.platform} ${release().split('.').slice(0, 2).join('.')}, Node ${process.versions.node}; ${pinning}; load from ${generator}${disk}`;
}

interface ProfiledSubject {
  readonly requests: number;
  /** CPU microseconds by kind of thread, by the kernel's account. */
  readonly cpuByThread: readonly (readonly [string, number])[];
  /** Profiles by thread; a worker that is ended by force leaves none. */
  readonly threads: ReturnType<typeof summariseFolder>;
}

async function profileSubject(
  start: (options: SubjectOptions) => Promise<Subject>,
  context: { options: BenchOptions; upstream: Upstream; directory: string; name: string },
): Promise<ProfiledSubject> {
  const own = join(context.directory, context.name);
  const profileDirectory = join(context.directory, `${context.name}-profiles`);
  mkdirSync(own);
  mkdirSync(profileDirectory);
  const upstreamOrigin = context.upstream.origin;
  const subject = await start({ upstreamOrigin, directory: own, profileDirectory });
  // The profiler samples wall time: on one core a function that wakes another thread would be charged for it.
  moveToCores(subject.pid, '0,1');
  const { options, upstream, directory } = context;
  const tally = new Tally();
  const session = {
    options,
    upstream,
    temporaryDirectory: directory,
    tally,
    subjects: [subject],
    skipped: [],
  };
  let sinceUs: number;
  let before: Map<string, number>;
  let after: Map<string, number>;
  try {
    await warmUp({ ...session, tally: new Tally() }, subject);
    // The profiler and `hrtime` read the same monotonic clock: the warm-up can be cut off exactly.
    sinceUs = Number(process.hrtime.bigint() / 1000n);
    before = readThreadMicros(subject.pid);
    await measureRounds(session);
    after = readThreadMicros(subject.pid);
  } finally {
    await subject.stop();
  }
  const threads = summariseFolder(profileDirectory, sinceUs);
  if (threads.length === 0)
    throw new Error(`${context.name} left no profile: it did not end in an orderly way`);
  const cpuByThread = [...after]
    .map(([name, us]) => [name, us - (before.get(name) ?? 0)] as const)
    .sort((left, right) => right[1] - left[1]);
  return { requests: tally.of(subject.id), cpuByThread, threads };
}

/** Relay and gateway under V8's sampling profiler: what the load spent its time on, and what the gateway adds. */
async function profile(
  options: BenchOptions,
  upstream: Upstream,
  directory: string,
): Promise<void> {
  const context = { options, upstream, directory };
  const relay = await profileSubject(startRelay, { ...context, name: 'relay' });
  const gateway = await profileSubject(startGateway, { ...context, name: 'gateway' });
  for (const [name, subject] of Object.entries({ relay, gateway })) {
    const parts = subject.cpuByThread
      .filter(([, us]) => us / subject.requests >= 0.05)
      .map(([thread, us]) => `${thread} ${(us / subject.requests).toFixed(1)}`);
    console.log(`${name}, CPU-µs per request by thread: ${parts.join(', ')}`);
  }
  for (const { title, summary } of gateway.threads) {
    console.log(`\n${renderProfile(`gateway, ${title}`, summary, gateway.requests)}`);
  }
  const main = ({
    threads,
    requests,
  }: ProfiledSubject): { summary: ProfileSummary; requests: number } | null => {
    const thread = threads.find((each) => each.title === 'main thread');
    return thread === undefined ? null : { summary: thread.summary, requests };
  };
  const base = main(relay);
  const subject = main(gateway);
  if (base !== null && subject !== null)
    console.log(`\nmain thread\n${renderDifference(base, subject)}`);
}

/** @returns false when the gateway could not be measured or its ledger disagrees with the calls */
async function run(options: BenchOptions): Promise<boolean> {
  const directory = mkdtempSync(join(options.directory ?? tmpdir(), 'gateway-bench-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  const upstream = await Upstream.start();
  let subjects: readonly Subject[] = [];
  try {
    if (options.profile) {
      await profile(options, upstream, directory);
      return true;
    }
    const started = await startSubjects(options, upstream, directory);
    subjects = started.subjects;
    const figures = await compare({
      ...started,
      options,
      upstream,
      temporaryDirectory: directory,
      tally: new Tally(),
    });
    const report = renderReport(figures);
    console.log(`\n${report}`);
    if (options.writeDocs) {
      const page = join(import.meta.dirname, '../docs/benchmarks.md');
      writeFileSync(page, replaceFigures(readFileSync(page, 'utf8'), report));
      say('docs/benchmarks.md: figures replaced');
    }
    return options.gateway ? figures.proof?.exact === true : true;
  } finally {
    for (const subject of subjects) await subject.stop();
    await upstream.stop();
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));
try {
  const options = parseBenchOptions(process.argv.slice(2));
  if (options === 'help') console.log(USAGE_TEXT);
  else if (!(await run(options))) process.exitCode = 1;
} catch (error) {
  say(`bench: ${reasonOf(error)}`);
  process.exitCode = 1;
}
