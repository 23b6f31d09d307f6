// What a server tells of itself, gathered when it is asked. docs/METRICS.md has the same names, and a test holds it to
// them.

import { readdirSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { RequestMeter } from '../adapters/aws/request-meter.ts';
import type { JournalLedger } from '../adapters/local/journal-ledger.ts';
import type { Broker } from '../broker/broker.ts';
import { describeTopic, listTopics } from '../broker/describe-topic.ts';
import type { Api } from '../http/api.ts';
import { durationBoundsS } from '../http/request-meter.ts';
import { commitSizeBounds, type TelemetryCounter } from '../ports/world.ts';
import { WadiError } from '../record/errors.ts';
import { limits } from '../record/limits.ts';
import { exposition, type Family, histogramSamples, type Sample } from './exposition.ts';
import type { ProcessTelemetry } from './telemetry.ts';

export type MetricSources = {
  readonly broker: Broker;
  readonly telemetry: ProcessTelemetry;
  /** Where there is a journal. */
  readonly ledger: Pick<JournalLedger, 'stats'> | undefined;
  /** Where DynamoDB and S3 are asked. */
  readonly aws?: RequestMeter | undefined;
};

type MetricApi = Pick<Api, 'version' | 'requests' | 'bodies' | 'answers'>;

/** Of the connections, since the start. */
type Traffic = { readonly connections: number; readonly receivedBytes: number; readonly sentBytes: number };

export type Metrics = {
  /** The text of `/metrics`. Cost: two reads for each partition of the first topics, at most `limits.maxMetricPartitions`. */
  text(api: MetricApi, traffic: Traffic): Promise<string>;
  close(): void;
};

const ms = 1000;
const ns = 1e9;

export function createMetrics({ broker, telemetry, ledger, aws }: MetricSources): Metrics {
  const loopDelay = monitorEventLoopDelay({ resolution: 10 });
  loopDelay.enable();

  function processFamilies(): Family[] {
    const { user, system } = process.cpuUsage();
    const memory = process.memoryUsage();
    const delay = [50, 90, 99].map((percentile): Sample => ({ labels: { percentile }, value: loopDelay.percentile(percentile) / ns }));
    delay.push({ labels: { percentile: 100 }, value: loopDelay.max / ns });
    loopDelay.reset();
    return [
      one('process_cpu_seconds_total', 'counter', 'CPU time of the process, user and system.', (user + system) / 1e6),
      one('process_resident_memory_bytes', 'gauge', 'Memory in RAM.', memory.rss),
      one('process_start_time_seconds', 'gauge', 'When the process started, in seconds since 1970.', Date.now() / ms - process.uptime()),
      one('process_open_fds', 'gauge', 'Open file descriptors; 0 where the system does not tell.', openDescriptors()),
      one('nodejs_heap_size_used_bytes', 'gauge', "V8's heap, in use.", memory.heapUsed),
      one('nodejs_heap_size_total_bytes', 'gauge', "V8's heap.", memory.heapTotal),
      one('nodejs_external_memory_bytes', 'gauge', 'Memory outside the heap that the heap holds on to, buffers above all.', memory.external),
      { name: 'wadi_event_loop_delay_seconds', type: 'gauge', help: 'How late timers were since the last time this was asked, by percentile.', samples: delay },
    ];
  }

  function requestFamilies({ version, requests, bodies, answers }: MetricApi, { connections, receivedBytes, sentBytes }: Traffic): Family[] {
    const operations = [...requests.operations];
    return [
      { name: 'wadi_build_info', type: 'gauge', help: 'Always 1; the labels tell the version.', samples: [{ labels: { version, node: process.version }, value: 1 }] },
      {
        name: 'wadi_http_requests_total',
        type: 'counter',
        help: 'Requests answered, by operation and status.',
        samples: operations.flatMap(([operation, { statuses }]) => [...statuses].map(([status, value]) => ({ labels: { operation, status }, value }))),
      },
      {
        name: 'wadi_http_request_duration_seconds',
        type: 'histogram',
        help: 'From the head of the request until its answer is sent, waits for records included.',
        samples: operations.flatMap(([operation, { buckets, seconds }]) => histogramSamples(durationBoundsS, buckets, seconds, { operation })),
      },
      one('wadi_http_requests_in_flight', 'gauge', 'Requests whose answers are not sent.', requests.inFlight),
      { name: 'wadi_errors_total', type: 'counter', help: 'Problems answered, by code.', samples: [...requests.errors].map(([code, value]) => ({ labels: { code }, value })) },
      one('wadi_http_connections', 'gauge', 'Open connections.', connections),
      one('wadi_network_received_bytes_total', 'counter', 'Bytes that came over connections.', receivedBytes),
      one('wadi_network_sent_bytes_total', 'counter', 'Bytes that went over connections.', sentBytes),
      one('wadi_body_bytes_in_flight', 'gauge', 'Bytes of request bodies that are read, or wait for their commit.', bodies.inFlight),
      one('wadi_answer_bytes_in_flight', 'gauge', 'Bytes of answers that nobody has taken yet.', answers.inFlight),
    ];
  }

  function engineFamilies(): Family[] {
    const sizes = telemetry.commitSizes();
    return [
      ...Object.entries(counters).map(([counter, { name, help }]) => one(name, 'counter', help, telemetry.total(counter as TelemetryCounter))),
      { name: 'wadi_commit_appends', type: 'histogram', help: 'Appends that share a commit.', samples: histogramSamples(commitSizeBounds, sizes.buckets, sizes.sum) },
      one('wadi_append_queue_bytes', 'gauge', 'Bytes of appends that wait for their commit to begin.', broker.committer.queuedBytes()),
      one('wadi_waiters', 'gauge', 'Requests and streams that wait for records.', broker.waiters),
      ...journalFamilies(),
      ...awsFamilies(),
    ];
  }

  function journalFamilies(): Family[] {
    if (ledger === undefined) return [];
    const { groups, groupBytes, groupMs, calls, checkpoints, checkpointMs } = ledger.stats();
    return [
      one('wadi_ledger_calls_total', 'counter', 'Writes that the ledger answered.', calls),
      one('wadi_ledger_syncs_total', 'counter', 'Groups of writes made durable, each with one sync.', groups),
      one('wadi_ledger_bytes_total', 'counter', 'Bytes written to the journal.', groupBytes),
      one('wadi_ledger_sync_seconds_total', 'counter', 'Time spent waiting for the disk.', groupMs / ms),
      one('wadi_checkpoints_total', 'counter', 'Checkpoints of the ledger.', checkpoints),
      one('wadi_checkpoint_seconds_total', 'counter', 'Time in checkpoints, on a thread of their own.', checkpointMs / ms),
    ];
  }

  function awsFamilies(): Family[] {
    if (aws === undefined) return [];
    const requests = aws.requests();
    const { write, read } = aws.units();
    return [
      {
        name: 'wadi_aws_requests_total',
        type: 'counter',
        help: 'Requests to AWS, by how they ended: ok, refused (a condition does not hold, or nothing is there), throttled, failed.',
        samples: requests.flatMap(({ service, operation, ended }) => Object.entries(ended).map(([outcome, value]) => ({ labels: { service, operation, outcome }, value }))),
      },
      {
        name: 'wadi_aws_request_seconds_total',
        type: 'counter',
        help: 'Time that requests to AWS took.',
        samples: requests.map(({ service, operation, seconds }) => ({ labels: { service, operation }, value: seconds })),
      },
      one('wadi_dynamodb_write_units_total', 'counter', 'Write units as DynamoDB told them; it tells none of writes that a condition refused.', write),
      one('wadi_dynamodb_read_units_total', 'counter', 'Read units as DynamoDB told them.', read),
    ];
  }

  async function topicFamilies(): Promise<Family[]> {
    const described: { topic: string; partition: number; startOffset: number; endOffset: number; bytes: number }[] = [];
    let leftOut = 0;
    for (let after: string | undefined; ; ) {
      const { topics, next } = await listTopics(broker, { after, limit: limits.maxTopicsPage });
      for (const { name, partitions } of topics) {
        if (described.length + partitions > limits.maxMetricPartitions) leftOut += partitions;
        else described.push(...(await describe(name)));
      }
      if (next === undefined || leftOut > 0) break;
      after = next;
    }
    const of = (value: 'startOffset' | 'endOffset' | 'bytes'): Sample[] => described.map(({ topic, partition, ...one }) => ({ labels: { topic, partition }, value: one[value] }));
    return [
      { name: 'wadi_partition_start_offset', type: 'gauge', help: 'The first offset of a partition.', samples: of('startOffset') },
      { name: 'wadi_partition_end_offset', type: 'gauge', help: 'The offset after the last of a partition.', samples: of('endOffset') },
      { name: 'wadi_partition_bytes', type: 'gauge', help: 'Bytes of record batches in a partition, as stored.', samples: of('bytes') },
      one('wadi_partitions_left_out', 'gauge', `Partitions that are not told of here, at least: there are more than ${limits.maxMetricPartitions}.`, leftOut),
    ];
  }

  /** A topic that was deleted meanwhile has none. */
  async function describe(name: string) {
    try {
      const { partitions } = await describeTopic(broker, name);
      return partitions.map((partition) => ({ topic: name, ...partition }));
    } catch (error) {
      if (error instanceof WadiError && error.code === 'topic_not_found') return [];
      throw error;
    }
  }

  return {
    text: async (api, traffic) => exposition([...requestFamilies(api, traffic), ...engineFamilies(), ...(await topicFamilies()), ...processFamilies()]),
    close: () => void loopDelay.disable(),
  };
}

const one = (name: string, type: 'counter' | 'gauge', help: string, value: number): Family => ({ name, type, help, samples: [{ value }] });

const counters: Record<TelemetryCounter, { readonly name: string; readonly help: string }> = {
  appends: { name: 'wadi_appends_total', help: 'Appends that stand: the part of a request for one partition.' },
  records: { name: 'wadi_append_records_total', help: 'Records that stand.' },
  appendedBytes: { name: 'wadi_append_bytes_total', help: 'Bytes of record batches that stand, as stored.' },
  commits: { name: 'wadi_commits_total', help: 'Commits that stand: appends to a partition that became true together.' },
  fetches: { name: 'wadi_fetches_total', help: 'Pages read.' },
  fetchedBytes: { name: 'wadi_fetch_bytes_total', help: 'Bytes of record batches read, as stored.' },
  rotations: { name: 'wadi_rotations_total', help: 'Rotations of the head of a partition.' },
  resends: { name: 'wadi_resends_total', help: 'Commits that were sent again.' },
  splits: { name: 'wadi_splits_total', help: 'Commits that were split, since one of their appends was refused.' },
  repeats: { name: 'wadi_repeats_total', help: 'Appends of producers and idempotency keys, by partition, that stood already.' },
  windowPassed: { name: 'wadi_window_passed_total', help: 'Commits that were looked for in sealed runs.' },
};

function openDescriptors(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0;
  }
}
