// Server-sent events, as far as a client of Wadi needs them (HTML standard, 9.2.6).

import { linesOf } from './lines.ts';

export type ServerEvent = { readonly name: string; readonly data: string /** Of this event or the last one before it that had one. */; readonly id: string };

/** Events that have data, and an empty one for each id alone. */
export async function* eventsOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder();
  let id = '';
  let [name, data, changed] = ['message', [] as string[], false];
  for await (const bytes of linesOf(chunks)) {
    const line = decoder.decode(bytes);
    if (line === '') {
      if (data.length > 0 || changed) yield { name, data: data.join('\n'), id };
      [name, data, changed] = ['message', [], false];
      continue;
    }
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'id') [id, changed] = [value, true];
    else if (field === 'event') name = value;
    else if (field === 'data') data.push(value);
  }
}
