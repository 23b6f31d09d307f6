// The object store: immutable bytes under a name, made once. Every call may throw a StoreFailure.

export type ObjectSummary = { readonly key: string; readonly bytes: number /** By the store's own clock. */; readonly modifiedMs: number };

export interface ObjectStore {
  /** Durable when it answers. `exists`: the name is taken, by whatever bytes, and nothing was written. */
  create(key: string, bytes: Uint8Array): Promise<'created' | 'exists'>;
  /** The bytes [start, end) as far as the object reaches; all of it without a range; undefined if there is none. They are the caller's to write in. */
  read(key: string, range?: { readonly start: number; readonly end: number }): Promise<Uint8Array | undefined>;
  /** In the order of the keys, those after `after`, at most `limit`. */
  list(prefix: string, options: { readonly after?: string; readonly limit: number }): Promise<ObjectSummary[]>;
  /** Keys that do not exist are no error. */
  delete(keys: readonly string[]): Promise<void>;
  /** The store's own time, for ages (I12). */
  nowMs(): Promise<number>;
}
