// A buffer that grows, for text and bytes in turn.

export type TextWriter = {
  text(text: string): void;
  bytes(bytes: Uint8Array): void;
  /** What was written; the writer is spent. */
  end(): Buffer;
};

/** @param expectedBytes a guess that saves growing */
export function textWriter(expectedBytes: number): TextWriter {
  let buffer = Buffer.allocUnsafeSlow(expectedBytes);
  let at = 0;
  const reserve = (bytes: number): void => {
    if (at + bytes <= buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(buffer.length * 2, at + bytes));
    buffer.copy(larger, 0, 0, at);
    buffer = larger;
  };
  return {
    text(text) {
      // UTF-8 takes at most three bytes for each unit of UTF-16.
      reserve(text.length * 3);
      at += buffer.write(text, at);
    },
    bytes(bytes) {
      reserve(bytes.length);
      buffer.set(bytes, at);
      at += bytes.length;
    },
    end: () => buffer.subarray(0, at),
  };
}
