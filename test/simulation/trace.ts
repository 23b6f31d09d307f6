// The trace of a run: a line for every call, answer, fault, crash and client event, folded into one hash. Two
// runs of one seed must have the same hash (test/simulation/main.ts, --twice).

export type Trace = {
  line(text: string): void;
  /** 16 hex digits over all lines so far. */
  hash(): string;
};

/** Two lanes of FNV-1a of 32 bits, with different multipliers: cheap, and good enough to tell two runs apart. */
export function createTrace(print?: (line: string) => void): Trace {
  let a = 0x811c9dc5;
  let b = 0x9747b28c;
  const hex = (lane: number) => (lane >>> 0).toString(16).padStart(8, '0');
  return {
    line(text) {
      for (let i = 0; i < text.length; i++) {
        const unit = text.charCodeAt(i);
        a = Math.imul(a ^ unit, 0x01000193);
        b = Math.imul(b ^ unit, 0x5bd1e995) + i;
      }
      a = Math.imul(a ^ 10, 0x01000193);
      print?.(text);
    },
    hash: () => hex(a) + hex(b),
  };
}
