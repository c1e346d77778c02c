import { render } from 'preact';
import '../kit/language.ts';
import '../kit/theme.css';
import './annotate.css';
import { annotateRequests } from '../../src/protocol/annotate.ts';
import { vsCodeHost } from '../kit/host.ts';
import { RpcClient } from '../kit/rpc.ts';
import { App } from './app.tsx';

const host = vsCodeHost();
const root = document.getElementById('root');
if (root !== null) render(<App host={host} rpc={new RpcClient(host, annotateRequests)} />, root);
