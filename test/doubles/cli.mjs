// A command line for tests of the runner process: prints events as the real one does. Arguments: what to do.
import { setTimeout as delay } from 'node:timers/promises';

const print = (event) => console.log(JSON.stringify(event));
const [what, ...rest] = process.argv.slice(2);

switch (what) {
  case 'events':
    console.log('a library says hello');
    console.log('{"type":"unknown"}');
    print({ type: 'notice', severity: 'info', message: `arguments: ${JSON.stringify(rest)}` });
    print({
      type: 'notice',
      severity: 'info',
      message: `environment: ${process.env.SECRET ?? 'none'} ${process.env.NODE_OPTIONS ?? 'none'}`,
    });
    print({ type: 'done', run: 'r1', folder: '/tmp/r1', state: 'done' });
    break;
  case 'fail':
    print({ type: 'error', reason: 'server', message: 'The server is gone.', remedy: 'Start it.' });
    console.error('at the end of the log');
    process.exitCode = 4;
    break;
  case 'polite':
    process.once('SIGTERM', () => {
      print({ type: 'done', run: 'r1', folder: '/tmp/r1', state: 'cancelled' });
      process.exit(130);
    });
    print({ type: 'notice', severity: 'info', message: 'ready' });
    await delay(60_000);
    break;
  case 'stubborn':
    process.on('SIGTERM', () => undefined);
    print({ type: 'notice', severity: 'info', message: 'ready' });
    await delay(60_000);
    break;
}
