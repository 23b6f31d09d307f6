// Alarms, each with an entry of its name in docs/RUNBOOK.md. Ten, since CloudWatch charges for the eleventh.

import { Duration, Stack } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, type IMetric, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Wadi } from './wadi.ts';

type AlarmOf = {
  readonly what: string;
  readonly metric: IMetric;
  /** Of a period: alarm at or above. */
  readonly threshold: number;
  /** Periods of the last three that must be so; all, unless said. */
  readonly periods?: number;
  readonly below?: boolean;
};

const period = Duration.minutes(5);

export function alarmsOf({ produce, fetch, compactor, table }: Wadi, produceTimeoutS: number): Readonly<Record<string, AlarmOf>> {
  const onTable = (metricName: string) => new Metric({ namespace: 'AWS/DynamoDB', metricName, dimensionsMap: { TableName: table.tableName }, statistic: 'Sum', period });
  const sum = { statistic: 'Sum', period };
  return {
    'produce-5xx': { what: 'Requests to the write endpoint fail on our side.', metric: produce.metric('Url5xxCount', sum), threshold: 1, periods: 2 },
    'fetch-5xx': { what: 'Requests to the read endpoint fail on our side.', metric: fetch.metric('Url5xxCount', sum), threshold: 1, periods: 2 },
    'produce-throttles': { what: 'More requests write at once than the concurrency of produce allows.', metric: produce.metricThrottles(sum), threshold: 1, periods: 2 },
    'fetch-throttles': { what: 'More requests read at once than the account allows.', metric: fetch.metricThrottles(sum), threshold: 1, periods: 2 },
    'produce-slow': {
      what: 'One append in a hundred comes near the end of the time a function has.',
      metric: produce.metricDuration({ statistic: 'p99', period }),
      threshold: produceTimeoutS * 1_000 * 0.5,
    },
    'compactor-errors': { what: 'The compactor fails: what requests left to be done later stays undone.', metric: compactor.metricErrors(sum), threshold: 1 },
    'compactor-stopped': { what: 'The compactor is not started any more.', metric: compactor.metricInvocations(sum), threshold: 1, below: true },
    'table-write-throttles': { what: 'DynamoDB refuses writes: a partition of the table, or the account, has reached its limit.', metric: onTable('WriteThrottleEvents'), threshold: 1, periods: 2 },
    'table-read-throttles': { what: 'DynamoDB refuses reads: a partition of the table, or the account, has reached its limit.', metric: onTable('ReadThrottleEvents'), threshold: 1, periods: 2 },
    'compactor-slow': { what: 'The compactor does not come to the end of its work before its time is over.', metric: compactor.metricDuration({ statistic: 'Maximum', period }), threshold: 240_000 },
  };
}

export function addAlarms(wadi: Wadi, produceTimeoutS: number, topic: ITopic | undefined): void {
  for (const [name, { what, metric, threshold, periods = 3, below = false }] of Object.entries(alarmsOf(wadi, produceTimeoutS))) {
    const alarm = new Alarm(wadi, `Alarm-${name}`, {
      alarmName: `${Stack.of(wadi).stackName}-${name}`,
      alarmDescription: `${what} See ${name} in docs/RUNBOOK.md.`,
      metric,
      threshold,
      comparisonOperator: below ? ComparisonOperator.LESS_THAN_THRESHOLD : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 3,
      datapointsToAlarm: periods,
      // Without requests nothing is measured; but the compactor has none only when it has stopped.
      treatMissingData: below ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
    });
    if (topic !== undefined) alarm.addAlarmAction(new SnsAction(topic));
  }
}
