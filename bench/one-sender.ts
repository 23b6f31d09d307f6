// A process that sends the same request, one after the other, as often as it is told.

/** `body` in base64. */
export type Order = { readonly url: string; readonly type: string; readonly body: string; readonly requests: number };

process.on('message', async ({ url, type, body, requests }: Order) => {
  const bytes = Buffer.from(body, 'base64');
  let failure = '';
  for (let i = 0; i < requests && failure === ''; i++) {
    const answer = await fetch(url, { method: 'POST', headers: { 'content-type': type }, body: bytes });
    const text = await answer.text();
    if (!answer.ok) failure = `the server answered ${answer.status}: ${text}`;
  }
  process.send?.(failure);
});
