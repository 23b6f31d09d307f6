// A server that is killed in the middle of a stream of lines: what it acknowledged stands, in the order of the lines, and
// what stands besides is what comes next in the body.

import { createTopic, linesOf, ndjson, type Run } from './run.ts';

export async function killInMidStream(run: Run): Promise<void> {
  const path = await createTopic(run, 'killed', 1);
  let number = 0;
  let feeding = true;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      // Never without a turn of the event loop: fetch asks for more for ever, and would not hear that the server has gone.
      await new Promise((resolve) => setImmediate(resolve));
      if (!feeding) return controller.close();
      controller.enqueue(Buffer.from(Array.from({ length: 100 }, () => `{"value":${number++}}\n`).join('')));
    },
  });
  let acknowledged = 0;
  let done = false;
  try {
    const response = await fetch(`${run.server.url}${path}/records`, { method: 'POST', headers: { 'content-type': ndjson }, body, duplex: 'half' } as RequestInit);
    for await (const line of linesOf(response.body)) {
      acknowledged = Number(line['acknowledged'] ?? acknowledged);
      done ||= line['done'] === true;
      if (acknowledged >= run.records / 20) await run.server.kill();
    }
  } catch {
    // The connection broke off, as it should.
  }
  feeding = false;
  run.server = await run.start();
  const response = await fetch(`${run.server.url}${path}/partitions/0/records`, { headers: { accept: ndjson } });
  const values: unknown[] = [];
  for await (const line of linesOf(response.body)) if (line.offset !== undefined) values.push(line.value);
  const wrong = values.findIndex((value, i) => value !== i);
  console.log(`       killed with ${acknowledged.toLocaleString('en')} records acknowledged; ${values.length.toLocaleString('en')} of ${number.toLocaleString('en')} stand`);
  run.check('after a kill in mid-stream a beginning of the body stands, with all that was acknowledged', [
    ...(done ? ['the answer came to its end'] : []),
    ...(acknowledged === 0 ? ['nothing was acknowledged'] : []),
    ...(values.length < acknowledged ? [`${values.length} records stand of ${acknowledged}`] : []),
    ...(wrong >= 0 ? [`offset ${wrong} holds ${JSON.stringify(values[wrong])}`] : []),
  ]);
}
