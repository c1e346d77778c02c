import { render } from 'preact';
import '../kit/language.ts';
import 'uplot/dist/uPlot.min.css';
import '../kit/theme.css';
import '../kit/panel.css';
import './job.css';
import { jobRequests } from '../../src/protocol/job.ts';
import { vsCodeHost } from '../kit/host.ts';
import { RpcClient } from '../kit/rpc.ts';
import { App } from './app.tsx';

const host = vsCodeHost();
const root = document.getElementById('root');
if (root !== null) render(<App host={host} rpc={new RpcClient(host, jobRequests)} />, root);
