// Minimal Node Lambda Runtime API client: buffered handlers plus awslambda.streamifyResponse.

import { existsSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { pathToFileURL } from 'node:url';

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const call = (method, p, headers = {}, body) =>
  new Promise((ok, fail) => {
    const req = http
      .request({ host, port, method, agent, headers, path: `/2018-06-01/runtime/${p}` }, (res) => {
        const parts = [];
        res.on('data', (d) => parts.push(d)).on('end', () => ok({ status: res.statusCode, headers: res.headers, text: Buffer.concat(parts).toString() }));
      })
      .on('error', fail);
    body?.pipe ? body.pipe(req) : req.end(body);
  });
const fault = (e) => JSON.stringify({ errorType: e?.name ?? 'Error', errorMessage: e?.message ?? String(e), trace: (e?.stack ?? '').split('\n') });

globalThis.awslambda = {
  streamifyResponse: (f) => Object.assign(f, { streaming: true }),
  HttpResponseStream: { from: (stream, meta) => Object.assign(stream, { meta }) },
};

let handler;
try {
  const root = process.env.LAMBDA_TASK_ROOT,
    h = process.env._HANDLER,
    dot = h.lastIndexOf('.');
  const base = path.resolve(root, h.slice(0, dot));
  const file = ['.js', '.mjs', '.cjs'].map((e) => base + e).find(existsSync);
  if (!file) throw Object.assign(new Error(`Cannot find module '${h.slice(0, dot)}'`), { name: 'Runtime.ImportModuleError' });
  let mod;
  try {
    mod = await import(pathToFileURL(file));
  } catch (e) {
    if (file.endsWith('.mjs')) throw e;
    mod = createRequire(file)(file);
  }
  handler = mod[h.slice(dot + 1)] ?? mod.default?.[h.slice(dot + 1)];
  if (typeof handler !== 'function') throw Object.assign(new Error(`${h} is undefined or not exported`), { name: 'Runtime.HandlerNotFound' });
} catch (e) {
  await call('POST', 'init/error', {}, fault(e));
  throw e;
}

for (;;) {
  const next = await call('GET', 'invocation/next');
  if (next.status !== 200) process.exit(0);
  const id = next.headers['lambda-runtime-aws-request-id'],
    deadline = +next.headers['lambda-runtime-deadline-ms'];
  const env = process.env,
    ctx = {
      awsRequestId: id,
      invokedFunctionArn: next.headers['lambda-runtime-invoked-function-arn'],
      callbackWaitsForEmptyEventLoop: true,
      functionName: env.AWS_LAMBDA_FUNCTION_NAME,
      functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
      memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
      logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
      logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
      getRemainingTimeInMillis: () => deadline - Date.now(),
    };
  try {
    const event = JSON.parse(next.text);
    if (handler.streaming) {
      // Gathered, and posted as an answer of payload format 2.0: LocalStack's function URLs do not stream, and take text only.
      const s = new PassThrough();
      const parts = [];
      s.on('data', (d) => parts.push(d));
      const ended = new Promise((ok, no) => s.on('end', ok).on('error', no));
      await handler(event, s, ctx);
      await ended;
      const { statusCode = 200, headers = {} } = s.meta ?? {};
      const answer = { statusCode, headers, body: Buffer.concat(parts).toString('base64'), isBase64Encoded: true };
      await call('POST', `invocation/${id}/response`, { 'content-type': 'application/json' }, JSON.stringify(answer));
    } else {
      const out = await (handler.length >= 3
        ? new Promise((ok, no) => {
            const r = handler(event, ctx, (e, v) => (e ? no(e) : ok(v)));
            r?.then?.(ok, no);
          })
        : handler(event, ctx));
      await call('POST', `invocation/${id}/response`, { 'content-type': 'application/json' }, JSON.stringify(out) ?? 'null');
    }
  } catch (e) {
    await call('POST', `invocation/${id}/error`, {}, fault(e));
  }
}
