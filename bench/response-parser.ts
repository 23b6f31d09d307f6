// Finds the ends of HTTP/1.1 responses in what a socket delivers, with Content-Length or chunked, and tells status
// and length of the body, which it does not keep. As light as it can be, so that the load costs little.

export type OnResponse = (status: number, bodyBytes: number) => void;

/** Feed it each chunk of the socket. Throws on what is not such a response. */
export function createResponseParser(onResponse: OnResponse): (chunk: Buffer) => void {
  let held: Buffer = Buffer.alloc(0);
  let status = 0;
  let bodyBytes = 0;
  /** Bytes of the body, or of the present chunk of it, that are still to come; undefined while a head is read. */
  let left: number | undefined;
  let chunked = false;

  const end = () => {
    left = undefined;
    onResponse(status, bodyBytes);
  };
  const readHead = (bytes: Buffer, at: number): number | undefined => {
    const stop = bytes.indexOf('\r\n\r\n', at);
    if (stop < 0) return undefined;
    const head = bytes.toString('latin1', at, stop).toLowerCase();
    status = Number(head.slice(9, 12));
    if (!head.startsWith('http/1.1 ') || !(status >= 100)) throw new Error(`not a response: ${head.slice(0, 60)}`);
    const length = /\r\ncontent-length: *(\d+)/.exec(head)?.[1];
    chunked = length === undefined && /\r\ntransfer-encoding: *chunked/.test(head);
    if (length === undefined && !chunked && status !== 204) throw new Error('a response without a length');
    bodyBytes = 0;
    left = Number(length ?? 0);
    if (!chunked && left === 0) end();
    return stop + 4;
  };
  /** A chunk's size line, or the end of the trailer behind the last one. */
  const readChunkHead = (bytes: Buffer, at: number): number | undefined => {
    const stop = bytes.indexOf('\r\n', at);
    if (stop < 0) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, stop), 16);
    if (!Number.isInteger(size)) throw new Error('a malformed chunk');
    if (size > 0) {
      left = size + 2;
      bodyBytes -= 2;
      return stop + 2;
    }
    if (bytes.length < stop + 4) return undefined;
    end();
    return stop + 4;
  };

  return (chunk) => {
    let bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    let at = 0;
    while (at < bytes.length) {
      if (left !== undefined && left > 0) {
        const taken = Math.min(left, bytes.length - at);
        at += taken;
        left -= taken;
        bodyBytes += taken;
        if (left === 0 && !chunked) end();
        continue;
      }
      const next: number | undefined = left === undefined ? readHead(bytes, at) : readChunkHead(bytes, at);
      if (next === undefined) break;
      at = next;
    }
    bytes = bytes.subarray(at);
    held = bytes.length === 0 ? bytes : Buffer.from(bytes);
  };
}
