// What is going on, on one page of CloudWatch.

import { Duration, Stack } from 'aws-cdk-lib';
import { Dashboard, GraphWidget, type IMetric, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { Wadi } from './wadi.ts';

const period = Duration.minutes(1);

export function addDashboard(wadi: Wadi): void {
  const { produce, fetch, compactor, table, bucket } = wadi;
  const graph = (title: string, left: IMetric[]) => new GraphWidget({ title, left, width: 12 });
  const onTable = (metricName: string) => new Metric({ namespace: 'AWS/DynamoDB', metricName, dimensionsMap: { TableName: table.tableName }, statistic: 'Sum', period });
  const onBucket = (metricName: string, storageType: string, statistic: string) =>
    new Metric({ namespace: 'AWS/S3', metricName, dimensionsMap: { BucketName: bucket.bucketName, StorageType: storageType }, statistic, period: Duration.days(1) });
  new Dashboard(wadi, 'Dashboard', {
    dashboardName: Stack.of(wadi).stackName,
    defaultInterval: Duration.hours(3),
    widgets: [
      [graph('Requests', [produce.metric('UrlRequestCount', { statistic: 'Sum', period, label: 'write' }), fetch.metric('UrlRequestCount', { statistic: 'Sum', period, label: 'read' })])],
      [
        graph(
          'Latency of writes',
          ['p50', 'p99'].map((statistic) => produce.metric('UrlRequestLatency', { statistic, period, label: statistic })),
        ),
        graph(
          'Latency of reads',
          ['p50', 'p99'].map((statistic) => fetch.metric('UrlRequestLatency', { statistic, period, label: statistic })),
        ),
      ],
      [
        graph(
          'Refused and failed',
          [produce, fetch].flatMap((fn, i) => ['Url4xxCount', 'Url5xxCount'].map((name) => fn.metric(name, { statistic: 'Sum', period, label: `${i === 0 ? 'write' : 'read'} ${name.slice(3, 6)}` }))),
        ),
        graph('At once', [
          produce.metric('ConcurrentExecutions', { statistic: 'Maximum', period, label: 'produce' }),
          fetch.metric('ConcurrentExecutions', { statistic: 'Maximum', period, label: 'fetch' }),
          produce.metricThrottles({ statistic: 'Sum', period, label: 'produce throttled' }),
          fetch.metricThrottles({ statistic: 'Sum', period, label: 'fetch throttled' }),
        ]),
      ],
      [
        graph('Units of DynamoDB', [onTable('ConsumedWriteCapacityUnits'), onTable('ConsumedReadCapacityUnits')]),
        graph('Refused by DynamoDB', [onTable('WriteThrottleEvents'), onTable('ReadThrottleEvents')]),
      ],
      [graph('Compactor, ms', [compactor.metricDuration({ statistic: 'Maximum', period })]), graph('Stored bytes (once a day)', [onBucket('BucketSizeBytes', 'StandardStorage', 'Average')])],
    ],
  });
}
