import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { JobError, SshError } from '../../../src/node/box/boxErrors.ts';
import { PortForward, portsFor } from '../../../src/node/box/serving/portForward.ts';

describe('a forwarded port', () => {
  const target = createServer((socket) => {
    upstream.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => socket.write(String(bytes).toUpperCase()));
  });
  const upstream: Socket[] = [];
  before(async () => {
    await once(target.listen(0, '127.0.0.1'), 'listening');
  });
  after(() => {
    for (const socket of upstream) socket.destroy();
    target.close();
  });
  const reach = (): Socket => connect((target.address() as AddressInfo).port, '127.0.0.1');
  const say = async (port: number, text: string): Promise<string> => {
    const socket = connect(port, '127.0.0.1');
    try {
      socket.write(text);
      const [answer] = (await once(socket, 'data')) as [Buffer];
      return String(answer);
    } finally {
      socket.destroy();
    }
  };

  it('carries bytes both ways, and is on loopback only', async () => {
    const forward = await PortForward.open({ connect: () => Promise.resolve(reach()) });
    try {
      assert.deepEqual(await Promise.all(['one', 'two'].map((text) => say(forward.port, text))), ['ONE', 'TWO']);
    } finally {
      forward.close();
    }
    await assert.rejects(say(forward.port, 'x'));
  });

  it('is the same at every start, and another where that is taken', async () => {
    const connect = (): Promise<Socket> => Promise.resolve(reach());
    const ports = portsFor(`box ${Math.random()}`);
    assert.ok(
      ports.every((port) => port >= 20_000 && port < 30_000),
      ports.join(' '),
    );
    const first = await PortForward.open({ connect, ports });
    // The first that is free: on a machine with other programs it need not be the first.
    assert.ok(ports.includes(first.port));
    first.close();
    const again = await PortForward.open({ connect, ports });
    assert.equal(again.port, first.port);
    const others = [];
    for (let i = 0; i < 3; i++) others.push(await PortForward.open({ connect, ports }));
    try {
      assert.equal(new Set([again.port, ...others.map(({ port }) => port)]).size, 4);
      assert.equal(ports.includes(others.at(-1)?.port ?? 0), false);
      assert.equal(await say(others.at(-1)?.port ?? 0, 'x'), 'X');
    } finally {
      for (const one of [again, ...others]) one.close();
    }
  });

  it('holds whoever comes while the box cannot be reached, at the same port', async () => {
    let failures = 0;
    const forward = await PortForward.open({
      retryMs: 5,
      connect: () =>
        failures++ < 3 ? Promise.reject(new JobError('unreachable', 'not now')) : Promise.resolve(reach()),
    });
    try {
      assert.equal(await say(forward.port, 'late'), 'LATE');
      assert.equal(failures, 4);
    } finally {
      forward.close();
    }
  });

  it('ends both sides when one is cut, and serves the next', async () => {
    const forward = await PortForward.open({ connect: () => Promise.resolve(reach()) });
    try {
      const socket = connect(forward.port, '127.0.0.1');
      socket.write('x');
      await once(socket, 'data');
      const cut = once(socket, 'close');
      upstream.at(-1)?.destroy();
      await cut;
      assert.equal(await say(forward.port, 'next'), 'NEXT');
      const last = upstream.at(-1);
      if (last?.closed === false) await once(last, 'close');
    } finally {
      forward.close();
    }
  });

  it('tells what does not pass by itself, at once', async () => {
    const problems: string[] = [];
    const forward = await PortForward.open({
      connect: () => Promise.reject(new SshError('protocol', 'box', 'port forwarding', 'the host forbids it.')),
      onProblem: ({ message }) => problems.push(message),
    });
    try {
      const socket = connect(forward.port, '127.0.0.1');
      socket.on('error', () => undefined);
      await once(socket, 'close');
      assert.deepEqual(problems, ['box (port forwarding): the host forbids it.']);
    } finally {
      forward.close();
    }
  });

  it('gives up in the end, and stops trying for a client that has left', async () => {
    let tries = 0;
    const forward = await PortForward.open({
      patienceMs: 60,
      retryMs: 10,
      connect: () => {
        tries++;
        return Promise.reject(new JobError('unreachable', 'gone'));
      },
    });
    try {
      const socket = connect(forward.port, '127.0.0.1');
      socket.on('error', () => undefined);
      await once(socket, 'close');
      assert.ok(tries > 1);
    } finally {
      forward.close();
    }
  });
});
