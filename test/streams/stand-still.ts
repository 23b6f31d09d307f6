// Peers that stand still: a sender that never reads its answer, and a reader that takes nothing of it.

import { once } from 'node:events';
import { connect } from 'node:net';
import { createTopic, linesOf, ndjson, type Run } from './run.ts';

const mostFirstMiB = 192;
const mostGrowthMiB = 96;
/** Each asks for far more than the system takes over for it. */
const readers = 50;

export async function standStill(run: Run): Promise<void> {
  const path = await createTopic(run, 'stand-still', 1);
  await neverReads(run, path);
  await takesNothing(run);
}

/** Writes all of its body, and looks at the answer only then. */
async function neverReads(run: Run, path: string): Promise<void> {
  const { hostname, port } = new URL(run.server.url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.pause();
  // Small records in many commits: the answer's lines are as long as the body's.
  const line = '{"value":1}\n';
  const chunk = line.repeat(2_000);
  const chunks = Math.ceil(run.records / 2_000);
  socket.write(`POST ${path}/records HTTP/1.1\r\nHost: ${hostname}\r\nContent-Type: ${ndjson}\r\nContent-Length: ${chunks * chunk.length}\r\nConnection: close\r\n\r\n`);
  for (let i = 0; i < chunks; i++) if (!socket.write(chunk)) await once(socket, 'drain');
  let answer = '';
  socket.setEncoding('utf8').on('data', (part: string) => (answer += part));
  socket.resume();
  await once(socket, 'close');
  const records = chunks * 2_000;
  run.check('a sender that reads nothing while it writes is told all at the end', answer.includes(`"done":true`) && answer.includes(`"acknowledged":${records}}`) ? [] : [answer.slice(-300)]);
}

/** Twice: what the first time costs is also what the server keeps at hand for so many requests; the second tells what a reader holds. */
async function takesNothing(run: Run): Promise<void> {
  const first = await takeNothingOnce(run);
  const again = await takeNothingOnce(run);
  console.log(`       ${readers} readers that take nothing: the server's memory grew by ${first.growthMiB.toFixed(0)} MiB, and by ${again.growthMiB.toFixed(0)} MiB when as many came again`);
  const served = first.served + again.served;
  run.check(`${readers} readers that take nothing cost at most ${mostFirstMiB} MiB, as many again at most ${mostGrowthMiB}, and others are served`, [
    ...(first.growthMiB > mostFirstMiB ? [`it grew by ${first.growthMiB.toFixed(1)} MiB at first`] : []),
    ...(again.growthMiB > mostGrowthMiB ? [`it grew by ${again.growthMiB.toFixed(1)} MiB when as many came again`] : []),
    ...(served === 6 * run.records ? [] : [`${served} records of ${6 * run.records}`]),
  ]);
}

async function takeNothingOnce(run: Run): Promise<{ growthMiB: number; served: number }> {
  const { hostname, port } = new URL(run.server.url);
  const before = run.serverMiB();
  const sockets = await Promise.all(
    Array.from({ length: readers }, async (_, i) => {
      const socket = connect(Number(port), hostname);
      await once(socket, 'connect');
      socket.pause();
      const accept = i % 2 === 0 ? ndjson : 'text/event-stream';
      socket.write(`GET /v1/topics/in-and-out/records HTTP/1.1\r\nHost: ${hostname}\r\nAccept: ${accept}\r\n\r\n`);
      socket.on('error', () => {});
      return socket;
    }),
  );
  // Others are served meanwhile: as long as that takes, those have had time to fill what is filled for them.
  let served = 0;
  for (let i = 0; i < 3; i++) {
    const response = await fetch(`${run.server.url}/v1/topics/in-and-out/records`, { headers: { accept: ndjson } });
    for await (const line of linesOf(response.body)) if (line.offset !== undefined) served++;
  }
  const growthMiB = run.serverMiB() - before;
  for (const socket of sockets) socket.destroy();
  return { growthMiB, served };
}
