// Every bound of the service in one place (I13): what lies beyond one is a named error or backpressure,
// never memory. `GET /v1` shows those that a client can meet. Units are last in the names.

const kib = 1024;
const mib = 1024 * kib;

export const limits = {
  // requests
  maxBodyBytes: 8 * mib,
  maxHeaderBytes: 16 * kib,
  maxConnections: 4096,
  /** From one address: beyond it new ones are closed. */
  maxConnectionsPerAddress: 1024,
  /** Bodies that are being read, or wait for their commit, in the whole process. */
  maxBytesInFlight: 128 * mib,
  /** A client that sends its body more slowly than this is cut off. */
  bodyTimeoutMs: 30_000,
  headersTimeoutMs: 10_000,
  /** Answers of fetches that their readers have not taken yet, in the whole process. */
  maxAnswerBytesInFlight: 256 * mib,
  /** Of a body of lines: so many bytes are committed together, more only where one line has more. */
  lineBatchBytes: 64 * kib,
  /** A body of lines that brings nothing for so long is ended. */
  lineIdleMs: 300_000,
  /** How long the rest of a body of lines is taken and thrown away after an error, so that its sender can read of it. */
  lingerMs: 30_000,
  /** Answers by lines are made in pages of these bounds: what a reader that stands still costs. */
  linePageBytes: 256 * kib,
  linePageRecords: 1_000,
  /** A stream of events says so often that it is still there. */
  heartbeatMs: 15_000,
  /** A reader that takes nothing of its answer for so long is cut off. */
  answerStallMs: 30_000,
  keepAliveTimeoutMs: 65_000,
  /** How long an append may wait in its queue, and then for its commit before the answer is `unknown`. */
  appendTimeoutMs: 30_000,
  /** So long before that no send is begun to a head that has more to do than it can. */
  lastSendMs: 2_000,
  /** After SIGTERM: how long accepted requests may take before the process ends anyway. */
  shutdownTimeoutMs: 10_000,

  // topics
  maxTopicNameLength: 249,
  maxPartitions: 256,
  maxTopicsPage: 1000,
  defaultTopicsPage: 100,

  // records
  maxRecordsPerRequest: 10_000,
  maxRecordsPerBatch: 100_000,
  maxBatchesPerRequest: 1_000,
  maxHeadersPerRecord: 100,
  /** In all records of a batch, and of a JSON request: two bytes of a batch make a header, some 300 bytes in memory. */
  maxHeadersPerBatch: 100_000,
  maxHeaderNameBytes: 32 * kib,
  /** Kafka's default of `max.message.bytes`, and the most that a topic may set. */
  defaultMaxMessageBytes: mib + 12,
  maxMaxMessageBytes: 4 * mib,
  /** What one compressed batch may become: the bound on bombs. */
  maxDecompressedBatchBytes: 16 * mib,
  /** What all compressed batches of one request may become together: the bound on the work that a body can cause. */
  maxDecompressedRequestBytes: 128 * mib,
  maxJsonDepth: 128,
  maxIdempotencyKeyLength: 255,
  /** Timestamps lie in [0, now + this]. */
  maxFutureTimestampMs: 86_400_000,

  // log
  /** Soft size of the tail at which it is rotated, and the hard one (PROTOCOL 2.3). */
  tailCommits: 8,
  maxTailCommits: 32,
  /** Idempotent producers in one commit: each takes a condition, and bytes of the head. */
  maxProducersPerCommit: 16,
  /** Producers that leave a head by one write. */
  maxEvictionsTogether: 32,
  /** Bytes of one partition in one commit; a request's part may be larger and then goes alone. */
  maxCommitBytes: 4 * mib,
  maxCommitRecords: 1_000_000,
  /** Appends that wait on one partition, in bytes; beyond it 429 `partition_busy`. */
  maxQueuedBytesPerPartition: 64 * mib,
  /** Sends of one commit before its outcome is given up as unknown. */
  maxCommitAttempts: 30,

  // fetch
  defaultFetchRecords: 500,
  maxFetchRecords: 10_000,
  defaultFetchBytes: mib,
  maxFetchBytes: 8 * mib,
  maxWaitMs: 30_000,
  /** A page ends after so long with what it has: many small commits in a slow store must not keep a client waiting, nor a function beyond its time. */
  maxGatherMs: 5_000,
  maxWaiters: 10_000,
  maxReadAttempts: 8,
  /** Payload bytes kept in memory for readers. */
  maxPayloadCacheBytes: 64 * mib,
  /** Sealed runs kept in memory for readers; one takes some 2 KB. */
  maxCachedRuns: 4_096,
  /** Partitions of which metrics tell offsets and bytes. */
  maxMetricPartitions: 1_000,
  maxTopicCacheEntries: 10_000,
  maxPartitionCacheEntries: 100_000,
  topicCacheMs: 2_000,
} as const;
