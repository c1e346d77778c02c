import { render } from 'preact';
import '../kit/language.ts';
import 'uplot/dist/uPlot.min.css';
import '../kit/theme.css';
import '../kit/panel.css';
import './dashboard.css';
import { dashboardRequests } from '../../src/protocol/dashboard.ts';
import { vsCodeHost } from '../kit/host.ts';
import { RpcClient } from '../kit/rpc.ts';
import { App } from './app.tsx';

const host = vsCodeHost();
const root = document.getElementById('root');
if (root !== null) render(<App host={host} rpc={new RpcClient(host, dashboardRequests)} />, root);
