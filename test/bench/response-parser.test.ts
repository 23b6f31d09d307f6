// The load generator counts what this parser finds, so it is tested at every place where a socket may cut.

import { expect, test } from 'vitest';
import { createResponseParser } from '../../bench/response-parser.ts';

const responses = Buffer.from(
  [
    'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\nhello',
    'HTTP/1.1 207 Multi-Status\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n',
    'HTTP/1.1 503 Busy\r\ncontent-length:0\r\n\r\n',
    'HTTP/1.1 204 No Content\r\nDate: x\r\n\r\n',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
  ].join(''),
);
const expected = [
  [200, 5],
  [207, 31],
  [503, 0],
  [204, 0],
  [200, 0],
];

test('responses are found however the socket cuts them', () => {
  for (let size = 1; size <= responses.length; size++) {
    const found: number[][] = [];
    const feed = createResponseParser((status, bytes) => found.push([status, bytes]));
    for (let at = 0; at < responses.length; at += size) feed(responses.subarray(at, at + size));
    expect(found, `in pieces of ${size}`).toEqual(expected);
  }
});

test('what is not a response is refused', () => {
  expect(() => createResponseParser(() => {})(Buffer.from('SSH-2.0-OpenSSH\r\n\r\n'))).toThrow('not a response');
});
