// The copy that snappy and LZ4 share: of what stands some bytes back, which it may run into itself.

/** Writes `length` bytes at `at`, each the one `offset` before it. */
export function copyBack(out: Uint8Array, at: number, offset: number, length: number): void {
  const end = at + length;
  // A call costs more than a few bytes do.
  if (length < 48) {
    for (let i = at; i < end; i++) out[i] = out[i - offset] as number;
    return;
  }
  // What is written doubles what can be copied at once.
  const from = at - offset;
  for (let done = 0; done < length; ) {
    const part = Math.min(length - done, offset + done);
    out.copyWithin(at + done, from, from + part);
    done += part;
  }
}
