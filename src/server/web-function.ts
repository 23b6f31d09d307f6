// The server as a web function of Lambda: one process takes many requests at once and is billed for the CPU it uses, so
// appends share commits and readers may wait ("Building Lambda Web Functions with Node.js" in the Lambda Developer Guide).

import { readEnvironment } from '../functions/environment.ts';
import { createApp } from '../http/app.ts';
import { createApi } from '../http/create-api.ts';
import { openCloudOn } from '../wiring/cloud.ts';
import { type Listening, listen } from './listen.ts';

/** Between SIGTERM and the end Lambda gives a second. */
const patienceMs = 500;

const { stores, log, version } = readEnvironment();
const [host = '127.0.0.1', port = '8080'] = (process.env['AWS_LAMBDA_HTTP_ENDPOINT'] ?? '').split(':');
const stopping = new AbortController();
const home = await openCloudOn(stores, log);
const { broker, onWorkLeft, ready, metrics } = home;
const api = createApi({ broker, version, stopping: stopping.signal, onWorkLeft, ready, localOnly: false, metrics: () => metrics.text(api, listening.traffic()) });
const listening: Listening = await listen(createApp(api), { host, port: Number(port) });

process.once('SIGTERM', () => {
  stopping.abort();
  void listening.stop(patienceMs).then(() => home.close());
});
