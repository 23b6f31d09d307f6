// The bytes of a body as they come: copied on arrival into one buffer, since a chunk that is kept costs an object
// besides its bytes, and a client may send a million of one byte. A body that comes as one chunk is not copied.

/** Announced bodies up to this size get all their space with their second chunk; larger ones as they grow. */
const maxAtOnceBytes = 1024 * 1024;
const minGrownBytes = 16 * 1024;

export type Gathered = {
  add(chunk: Uint8Array): void;
  /** Plain bytes that keep no much larger buffer alive: the broker may hold them. */
  bytes(): Uint8Array;
};

/** @param length of all chunks together, where it was announced */
export function gather(length: number = Number.POSITIVE_INFINITY): Gathered {
  let held: Uint8Array = new Uint8Array(0);
  let used = 0;

  function add(chunk: Uint8Array): void {
    if (used === 0) held = chunk;
    else {
      if (used + chunk.length > held.length) held = grown(held.subarray(0, used), used + chunk.length, length);
      held.set(chunk, used);
    }
    used += chunk.length;
  }
  function bytes(): Uint8Array {
    const all = new Uint8Array(held.buffer, held.byteOffset, used);
    return held.buffer.byteLength > 2 * used ? all.slice() : all;
  }
  return { add, bytes };
}

function grown(from: Uint8Array, needed: number, length: number): Uint8Array {
  const to = new Uint8Array(length <= maxAtOnceBytes ? Math.max(length, needed) : Math.max(needed, Math.min(length, Math.max(minGrownBytes, 2 * from.length))));
  to.set(from);
  return to;
}
