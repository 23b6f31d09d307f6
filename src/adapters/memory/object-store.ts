// The object store in memory, for tests and the simulator. Time comes from outside, so ages follow its clock.

import type { ObjectStore } from '../../ports/object-store.ts';

export function memoryObjectStore(nowMs: () => number): ObjectStore {
  const objects = new Map<string, { readonly bytes: Uint8Array; readonly modifiedMs: number }>();
  return {
    async create(key, bytes) {
      if (objects.has(key)) return 'exists';
      objects.set(key, { bytes: new Uint8Array(bytes), modifiedMs: nowMs() });
      return 'created';
    },
    async read(key, range) {
      const bytes = objects.get(key)?.bytes;
      return range === undefined ? bytes?.slice() : bytes?.slice(range.start, Math.max(range.start, range.end));
    },
    async list(prefix, { after = '', limit }) {
      const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
      return keys.slice(0, limit).map((key) => {
        const { bytes, modifiedMs } = objects.get(key) as { bytes: Uint8Array; modifiedMs: number };
        return { key, bytes: bytes.length, modifiedMs };
      });
    },
    async delete(keys) {
      for (const key of keys) objects.delete(key);
    },
    async nowMs() {
      return nowMs();
    },
  };
}
