// Requests that Node refuses before there is a request: answered on the bare socket, as problems like all others.

import type { Duplex } from 'node:stream';
import { problemType } from '../http/answer.ts';
import { problemOf } from '../http/problems.ts';
import { isUnhurried } from '../http/streams/body-reader.ts';
import { WadiError } from '../record/errors.ts';
import { limits } from '../record/limits.ts';

/** How long a client may take to close its half after it was refused. */
const lingerMs = 1_000;

/** A listener for `clientError`. */
export function answerRefused(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && isUnhurried(socket)) return;
  const underWay = (socket as { _httpMessage?: { headersSent: boolean } })._httpMessage;
  if (error.code === 'ECONNRESET' || !socket.writable || underWay?.headersSent === true) {
    socket.destroy();
    return;
  }
  const problem = problemOf(meaningOf(error));
  const body = JSON.stringify(problem);
  socket.end(`HTTP/1.1 ${problem.status} ${reasons[problem.status] ?? ''}\r\nContent-Type: ${problemType}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`);
  const linger = setTimeout(() => socket.destroy(), lingerMs).unref();
  socket.once('close', () => clearTimeout(linger));
}

const reasons: Readonly<Record<number, string>> = { 400: 'Bad Request', 408: 'Request Timeout', 431: 'Request Header Fields Too Large' };

function meaningOf({ code, message }: NodeJS.ErrnoException): WadiError {
  if (code === 'HPE_HEADER_OVERFLOW') return new WadiError('headers_too_large', `The request line and headers have more than ${limits.maxHeaderBytes} bytes.`, { limit: limits.maxHeaderBytes });
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new WadiError('request_timeout', 'The request did not arrive in time; nothing was written. Send it again.');
  return new WadiError('invalid_request', `This is not HTTP/1.1: ${message.slice(0, 200)}.`);
}
