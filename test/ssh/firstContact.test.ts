import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { JobError } from '../../src/node/box/boxErrors.ts';
import { persistently } from '../../src/node/box/persist.ts';
import { resolveRoute } from '../../src/node/box/ssh/sshConfig.ts';
import type { SshHost } from '../../src/node/box/ssh/sshHost.ts';
import { makeKey, removeFolder, sshFolder, Sshd, withoutSshd } from '../harness/sshd.ts';
import type { Client, ClientOptions } from './support.ts';
import { client, nobodysName, withoutNames, writeConfig } from './support.ts';

describe('a host that was never met', { skip: withoutSshd }, () => {
  let folder: string;
  let server: Sshd;
  let jump: Sshd;
  let config: string;
  const clients: Client[] = [];
  const connect = (alias: string, options: Partial<ClientOptions> = {}): Client => {
    const made = client({ config, alias, folder, ...options });
    clients.push(made);
    return made;
  };
  const whoami = async (made: Client): Promise<string> => (await made.files.exec(['echo', 'in'])).stdout;

  before(async () => {
    folder = sshFolder();
    const key = makeKey(join(folder, 'key'));
    server = await Sshd.start({ folder: join(folder, 'server'), keys: [key] });
    jump = await Sshd.start({ folder: join(folder, 'jump'), keys: [key] });
    writeFileSync(join(folder, 'known_hosts'), server.knownHost() + jump.knownHost());
    const lines = [`IdentityFile ${key}`];
    config = writeConfig(folder, [
      { alias: 'box', port: server.port, lines },
      { alias: 'jump', port: jump.port, lines },
      { alias: 'behind', port: server.port, lines: [...lines, 'ProxyJump jump'] },
    ]);
  });
  afterEach(() => {
    for (const { connection } of clients.splice(0)) connection.close();
  });
  after(async () => {
    await server.stop();
    await jump.stop();
    removeFolder(folder);
  });

  /** How often the host was tried until the caller, who is patient, heard of it. */
  const tries = async (alias: string, last: Partial<SshHost>, said: RegExp): Promise<number> => {
    let tried = 0;
    const made = connect(alias, {
      route: async (signal) => {
        tried++;
        const route = await resolveRoute(alias, { configFile: config, signal });
        return route.map((host, at) => (at === route.length - 1 ? { ...host, ...last } : host));
      },
    });
    await assert.rejects(
      persistently({ retryMs: 1 }, () => whoami(made)),
      (error) => JobError.is(error, 'unreachable') && error.lasting && said.test(error.message),
    );
    return tried;
  };

  it('is not tried again where nobody listens, also behind a jump host', async () => {
    assert.equal(await tries('box', { port: 1 }, /port 1\): the connection was refused\. Check/), 1);
    assert.equal(await tries('behind', { port: 1 }, /through the host before it/), 1);
  });

  it('is not tried again where no host has the name', { skip: withoutNames }, async () => {
    assert.equal(
      await tries('box', { hostname: nobodysName }, /^box \(connecting to no-such.*cannot be resolved\. Check/),
      1,
    );
  });

  it('says of a jump host whose way it is on', async () => {
    const route = async (signal: AbortSignal): Promise<readonly SshHost[]> => {
      const [first, ...others] = await resolveRoute('behind', { configFile: config, signal });
      return first === undefined ? [] : [{ ...first, port: 1 }, ...others];
    };
    await assert.rejects(
      whoami(connect('behind', { route })),
      (error) => JobError.is(error) && /^jump \(connecting.*It is on the way to behind\.$/.test(error.message),
    );
  });

  it('is waited for once it was met', async () => {
    const made = connect('jump');
    await whoami(made);
    await jump.stop();
    await assert.rejects(whoami(made), (error) => JobError.is(error, 'unreachable') && !error.lasting);
    const waiting = persistently({ retryMs: 100 }, () => whoami(made));
    await jump.start();
    assert.equal(await waiting, 'in\n');
  });
});
