// An object store that counts what S3 would charge for the calls to another one: creating and listing by one price,
// reading by another. Deleting costs nothing.

import type { ObjectStore } from '../../ports/object-store.ts';

export type Requests = { puts: number; gets: number };

/** @param counts what is added to */
export function meteredObjectStore(inner: ObjectStore, counts: Requests): ObjectStore {
  return {
    ...inner,
    create(key, bytes) {
      counts.puts++;
      return inner.create(key, bytes);
    },
    read(key, range) {
      counts.gets++;
      return inner.read(key, range);
    },
    list(prefix, options) {
      counts.puts++;
      return inner.list(prefix, options);
    },
  };
}
