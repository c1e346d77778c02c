import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServerError, type ServerErrorReason } from '../../../src/core/ports/models.ts';
import type { CompletionRequest } from '../../../src/core/run/request.ts';
import { TrajectoryAdmission } from '../../../src/node/openai/admission.ts';
import type { ServerState } from '../../../src/node/openai/breaker.ts';
import type { Endpoint } from '../../../src/node/openai/endpoint.ts';
import { TryFailure, type FailureKind } from '../../../src/node/openai/failures.ts';
import { InFlight } from '../../../src/node/openai/inFlight.ts';
import { ModelServer, triesOfABody, type ModelServerOptions } from '../../../src/node/openai/modelServer.ts';
import { VirtualClock } from '../../../bench/sim/virtualClock.ts';
import { completionsDialect } from '../../doubles/client.ts';

const never = new AbortController().signal;

function request(prompt: string): CompletionRequest {
  return {
    kind: 'complete',
    role: 'plan',
    purpose: 'thought',
    prompt,
    stop: ['\n'],
    maxTokens: 8,
    sampling: { temperature: 0, topP: 1, topK: 0, seed: 1 },
  };
}

function failure(kind: FailureKind, reason: ServerErrorReason, retryAfterMs?: number): TryFailure {
  return new TryFailure(kind, new ServerError(reason, `it failed: ${reason}.`), {
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** A server in virtual time: takes 100 ms an answer; `fault` may fail a try. */
class FakeServer implements Endpoint {
  readonly asked: { prompt: string; at: number; tokens: number }[] = [];
  readonly clock: VirtualClock;
  up: () => boolean = () => true;
  fault: (prompt: string, nth: number) => TryFailure | undefined = () => undefined;
  tookMs = 100;
  most = 0;
  #active = 0;

  constructor(clock: VirtualClock) {
    this.clock = clock;
  }

  async ask(_model: string, { prompt, maxTokens }: CompletionRequest, _d: unknown, signal: AbortSignal) {
    this.asked.push({ prompt, at: this.clock.now(), tokens: maxTokens });
    const nth = this.asked.filter((a) => a.prompt === prompt).length;
    this.most = Math.max(this.most, ++this.#active);
    try {
      if (!this.up()) throw failure('outage', 'unreachable');
      const fault = this.fault(prompt, nth);
      if (fault !== undefined) throw fault;
      await this.clock.sleep(this.tookMs, signal);
    } finally {
      this.#active--;
    }
    const usage = { promptTokens: 100, completionTokens: 10 };
    return { answer: { kind: 'completion' as const, text: ` ${prompt}`, finish: 'stop' as const, usage } };
  }

  alive(): Promise<boolean> {
    return Promise.resolve(this.up());
  }
}

function setUp(options: Partial<ModelServerOptions> = {}) {
  const clock = new VirtualClock();
  const fake = new FakeServer(clock);
  const states: ServerState[] = [];
  const server = new ModelServer({
    name: 'mine',
    endpoint: fake,
    dialect: completionsDialect,
    clock,
    reached: true,
    onState: (state) => states.push(state),
    ...options,
  });
  const all = (n: number, signal = never): Promise<PromiseSettledResult<{ text: string }>[]> =>
    Promise.allSettled(Array.from({ length: n }, (_, i) => server.complete('base', request(`q${i}`), signal, `i${i}`)));
  return { clock, fake, server, states, all };
}

test('promise 6: an outage of a minute pauses the run, which goes on by itself; nothing is lost', async () => {
  const { clock, fake, server, states } = setUp({ concurrency: 16 });
  fake.up = () => clock.now() < 500 || clock.now() > 60_500;
  const work = async (): Promise<string[]> => {
    const texts: string[] = [];
    const worker = async (w: number): Promise<void> => {
      for (let i = 0; i < 20; i++) texts.push((await server.complete('base', request(`${w}.${i}`), never)).text);
    };
    await Promise.all(Array.from({ length: 16 }, (_, w) => worker(w)));
    return texts;
  };
  const texts = await clock.run(work());
  assert.equal(new Set(texts).size, 320);
  const during = fake.asked.filter(({ at }) => at > 600 && at < 60_500);
  assert.ok(during.length < 16, `${during.length} requests were sent to a server that was down`);
  assert.ok(clock.now() < 80_000, 'the run went on soon after the server came back');
  assert.deepEqual([states[0]?.state, states.at(-1)?.state], ['waiting', 'answering']);
  assert.match(states[0]?.message ?? '', /waits and asks again in 1\.0 s/);
});

test('promise 6: outages are nobody’s tries: a request outlives more of them than it has tries', async () => {
  const { clock, fake, server } = setUp();
  let asked = 0;
  // Down when it is suspected, and back when it is asked again.
  fake.alive = () => Promise.resolve(asked++ % 2 === 1);
  fake.fault = (_, nth) => (nth <= triesOfABody + 2 ? failure('outage', 'unreachable') : undefined);
  const answer = await clock.run(server.complete('base', request('q'), never));
  assert.equal(answer.retries, triesOfABody + 2);
});

test('an outage beyond patience ends the run with a reason that stops it', async () => {
  const { clock, fake, all } = setUp({ concurrency: 4, outageMinutes: 5 });
  fake.up = () => clock.now() < 50;
  const outcomes = await clock.run(all(8));
  const errors = outcomes.flatMap((o) => (o.status === 'rejected' ? [o.reason as ServerError] : []));
  assert.ok(errors.length >= 4);
  assert.ok(errors.every((e) => ServerError.is(e, 'unreachable') && e.fatal && /5 minutes/.test(e.message)));
  assert.ok(clock.now() > 300_000 && clock.now() < 330_000);
});

test('promise 5: a body that always fails is asked three times, and its neighbours are not held up', async () => {
  for (const kind of ['outage', 'garbled'] as const) {
    const { clock, fake, all, states } = setUp({ concurrency: 8 });
    fake.fault = (prompt) => (prompt === 'q3' ? failure(kind, 'server') : undefined);
    const outcomes = await clock.run(all(40));
    assert.equal(fake.asked.filter((a) => a.prompt === 'q3').length, triesOfABody);
    assert.deepEqual(
      outcomes.flatMap((o, i) => (o.status === 'rejected' ? [i] : [])),
      [3],
    );
    const rejected = outcomes[3];
    assert.ok(rejected?.status === 'rejected' && ServerError.is(rejected.reason, 'server') && !rejected.reason.fatal);
    assert.ok(clock.now() < 5000);
    assert.match(states[0]?.message ?? '', /Asking again \(2 of 3\) in \d/);
  }
});

test('when every request fails although the server is there, the run stops and does not use itself up', async () => {
  const { clock, fake, all } = setUp({ concurrency: 2 });
  fake.fault = () => failure('outage', 'server');
  const outcomes = await clock.run(all(6));
  const errors = outcomes.map((o) => (o.status === 'rejected' ? (o.reason as ServerError) : undefined));
  assert.deepEqual(errors.map((e) => e?.reason).sort(), [
    'server',
    'server',
    'server',
    'server',
    'unreachable',
    'unreachable',
  ]);
});

test('a Retry-After holds everything back for as long as it says, and a try is not used up', async () => {
  const { clock, fake, all } = setUp();
  fake.fault = (_, nth) => (clock.now() < 7000 && nth === 1 ? failure('busy', 'rate-limit', 7000) : undefined);
  const outcomes = await clock.run(all(30));
  assert.ok(outcomes.every((o) => o.status === 'fulfilled'));
  const first = fake.asked.filter((a) => a.at < 1).length;
  assert.equal(first, 16, 'the first window');
  assert.equal(fake.asked.filter((a) => a.at >= 1 && a.at < 7000).length, 0);
});

test('a server that limits the rate for ten minutes on end fails the request, and not for ever', async () => {
  const { clock, fake, all } = setUp();
  fake.fault = () => failure('busy', 'rate-limit');
  const [outcome] = await clock.run(all(1));
  assert.ok(outcome?.status === 'rejected' && ServerError.is(outcome.reason, 'rate-limit'));
  assert.ok(clock.now() > 600_000 && clock.now() < 660_000);
});

test('AIMD: the window doubles while all is well, and settles near what the server takes', async () => {
  const { clock, fake, server } = setUp();
  const takes = 40;
  let active = 0;
  const ask = fake.ask.bind(fake);
  fake.ask = async (...args) => {
    if (active >= takes) throw failure('busy', 'rate-limit');
    active++;
    try {
      return await ask(...args);
    } finally {
      active--;
    }
  };
  const worker = async (w: number): Promise<void> => {
    for (let i = 0; i < 30; i++) await server.complete('base', request(`${w}.${i}`), never);
  };
  await clock.run(Promise.all(Array.from({ length: 100 }, (_, w) => worker(w))));
  const ideal = ((100 * 30) / takes) * fake.tookMs;
  assert.ok(clock.now() < ideal * 1.4, `${clock.now()} ms against ${ideal} ms`);
});

test('requests under way stay within the setting', async () => {
  const { clock, fake, all } = setUp({ concurrency: 5 });
  await clock.run(all(50));
  assert.equal(fake.most, 5);
});

test('requests in a minute stay within the setting, however many could be sent, and come close to it', async () => {
  const { clock, fake, all } = setUp({ requestsPerMinute: 600, concurrency: 100 });
  fake.tookMs = 2000;
  await clock.run(all(400));
  const sent = fake.asked.map(({ at }) => at).sort((a, b) => a - b);
  for (const [i, at] of sent.entries()) {
    const inMinute = sent.filter((other, k) => k >= i && other < at + 60_000).length;
    assert.ok(inMinute <= 600 + 3, `${inMinute} in the minute from ${at} ms`);
    const inSecond = sent.filter((other, k) => k >= i && other < at + 1000).length;
    assert.ok(inSecond <= 10 + 3, `${inSecond} in the second from ${at} ms`);
  }
  assert.ok((sent.at(-1) ?? 0) < 400 * 100 * 1.05, `the last one was sent after ${sent.at(-1)} ms`);
});

test('cancelling ends what waits: for room, for the rate, for a server that is down', async () => {
  for (const prepare of [
    (fake: FakeServer) => (fake.tookMs = 1e6),
    (fake: FakeServer) => (fake.fault = () => failure('busy', 'rate-limit', 60_000)),
    (fake: FakeServer) => (fake.up = () => false),
  ]) {
    const { clock, fake, all } = setUp({ concurrency: 1 });
    prepare(fake);
    const cancel = new AbortController();
    clock.at(30_000, () => cancel.abort(new Error('enough')));
    const outcomes = await clock.run(all(3, cancel.signal));
    assert.ok(outcomes.every((o) => o.status === 'rejected' && /enough/.test(String(o.reason))));
    assert.equal(clock.now(), 30_000);
  }
});

test('trajectories are let in while the cache holds them, in their order, and keep their place', async () => {
  const admission = new TrajectoryAdmission({ kvTokens: 10_000 });
  const entered: string[] = [];
  const enter = (item: string): void => {
    void (admission.enter(item, never) ?? Promise.resolve()).then(() => entered.push(item));
  };
  for (let i = 0; i < 20; i++) enter(`t${i}`);
  await Promise.resolve();
  const first = entered.length;
  assert.ok(first > 1 && first < 20, `${first}`);
  assert.equal(admission.enter('t0', never), undefined, 'who is in is in');
  admission.grew('t0', 'plan', 'x'.repeat(400), 4000, 100);
  admission.ended('t1');
  await Promise.resolve();
  assert.equal(entered.length, first, 'one that has grown takes the room of one that ended');
  admission.ended('t0');
  admission.ended('t2');
  await new Promise((turn) => setImmediate(turn));
  assert.ok(entered.length > first);
  assert.deepEqual(
    entered,
    [...entered].sort((a, b) => Number(a.slice(1)) - Number(b.slice(1))),
  );
});

test('one trajectory is always let in, and the requests that it makes together come in with it', async () => {
  const admission = new TrajectoryAdmission({ kvTokens: 10, slots: 1 });
  assert.equal(admission.enter('a', never), undefined);
  const two = [admission.enter('b', never), admission.enter('b', never)];
  admission.ended('a');
  for (const one of two) await one;
  assert.equal(admission.live, 1);
});

test('a prefix that many share is read once before they are sent, for each adapter, and for one token', async () => {
  const { clock, fake, server } = setUp({ capacity: { kvTokens: 1e6 } });
  const head = 'system '.repeat(200);
  await clock.run(
    Promise.all(
      ['plan', 'tool'].flatMap((model) =>
        Array.from({ length: 10 }, (_, i) => server.complete(model, request(`${head}${i}`), never, `${i}`)),
      ),
    ),
  );
  assert.deepEqual(
    [fake.asked.filter((a) => a.at === 0).length, fake.asked.filter((a) => a.at === 100).length],
    [2, 20],
  );
});

test('what is asked twice at the same time is asked once, and a cancelled asker takes nobody with it', async () => {
  const inFlight = new InFlight<number>();
  let asked = 0;
  const answer = async (): Promise<number> => {
    await new Promise((turn) => setImmediate(turn));
    return ++asked;
  };
  const both = await Promise.all([inFlight.share('k', never, answer), inFlight.share('k', never, answer)]);
  assert.deepEqual(both, [
    { value: 1, shared: false },
    { value: 1, shared: true },
  ]);
  const cancelled = inFlight.share('c', never, () => Promise.reject(new DOMException('stop', 'AbortError')));
  const other = inFlight.share('c', never, answer);
  await assert.rejects(cancelled, /stop/);
  assert.equal((await other).value, 2);
});
