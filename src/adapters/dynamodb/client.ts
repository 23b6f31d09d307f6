// A client of DynamoDB's API: JSON over HTTP, each request sent once and signed by AWS Signature Version 4. The SDK's own
// takes three times as much CPU for a call (docs/adr/0010-a-client-of-our-own-for-dynamodb.md).

import { randomUUID } from 'node:crypto';
import { type Dispatcher, Pool } from 'undici';
import { connectionTimeoutMs, maxSockets } from '../aws/client-options.ts';
import type { RequestMeter } from '../aws/request-meter.ts';
import type { Attributes } from './attribute-values.ts';
import type { DynamoPlace } from './place.ts';
import { createSigner, type Endpoint } from './signature.ts';

/** An answer that is an error, by the name that DynamoDB gives it. */
export class DynamoError extends Error {
  /** As on errors of the SDK. */
  readonly $metadata: { readonly httpStatusCode: number };
  /** The item whose condition did not hold. */
  readonly item: Attributes | undefined;
  /** Of a transaction that was cancelled, for each of its writes. */
  readonly cancellationReasons: readonly CancellationReason[];

  constructor(status: number, { __type = '', message, Message, Item, CancellationReasons = [] }: ErrorBody) {
    super(message ?? Message ?? '');
    this.name = __type.split('#').at(-1) || `HTTP ${status}`;
    this.$metadata = { httpStatusCode: status };
    this.item = Item;
    this.cancellationReasons = CancellationReasons;
  }
}

export type CancellationReason = { readonly Code?: string; readonly Message?: string; readonly Item?: Attributes };
type ErrorBody = {
  readonly __type?: string;
  readonly message?: string;
  readonly Message?: string;
  readonly Item?: Attributes;
  readonly CancellationReasons?: readonly CancellationReason[];
};

type Capacity = { readonly CapacityUnits?: number };

/** What is read of answers. */
type Answer = {
  readonly Attributes?: Attributes;
  readonly Item?: Attributes;
  readonly Items?: readonly Attributes[];
  readonly LastEvaluatedKey?: Attributes;
  readonly Responses?: Readonly<Record<string, readonly Attributes[]>>;
  readonly UnprocessedKeys?: Readonly<Record<string, { readonly Keys: readonly Attributes[] }>>;
  readonly ConsumedCapacity?: Capacity | readonly Capacity[];
};

type WriteOperation = 'PutItem' | 'UpdateItem' | 'DeleteItem' | 'TransactWriteItems';
type ReadOperation = 'GetItem' | 'BatchGetItem' | 'Query';

export type DynamoClient = {
  /** @throws DynamoError, and errors of the connection where no answer came */
  send(operation: WriteOperation | ReadOperation, input: object): Promise<Answer>;
  destroy(): void;
};

/** For an answer. */
export const requestTimeoutMs = 3_000;
const readOperations: ReadonlySet<string> = new Set<ReadOperation>(['GetItem', 'BatchGetItem', 'Query']);

/** Each connection carries one request at a time. The time for an answer is ours to watch, as one bound for all of it. */
const poolOptions: Pool.Options = { connections: maxSockets, pipelining: 1, connect: { timeout: connectionTimeoutMs }, headersTimeout: 0, bodyTimeout: 0, keepAliveTimeout: 30_000 };

type HttpAnswer = { readonly status: number; readonly date: string | undefined; readonly text: string };

export function dynamoClient(place: DynamoPlace, meter?: RequestMeter): DynamoClient {
  const sign = createSigner(place.credentials, place.region);
  let endpoint: Promise<Endpoint> | undefined;
  let pool: Pool | undefined;

  async function send(operation: string, input: object): Promise<Answer> {
    endpoint ??= place.endpoint().catch((error: unknown) => {
      endpoint = undefined;
      throw error;
    });
    const at = await endpoint;
    const body = JSON.stringify(operation === 'TransactWriteItems' ? { ...input, ClientRequestToken: randomUUID() } : input);
    const { status, date, text } = await exchange(at, await sign(at, `DynamoDB_20120810.${operation}`, body), body);
    if (status >= 200 && status < 300) return JSON.parse(text) as Answer;
    const error = new DynamoError(status, parseError(text));
    if (skewed.has(error.name)) sign.correctClock(date);
    throw error;
  }

  function exchange({ secure, host, path }: Endpoint, headers: Record<string, string>, body: string): Promise<HttpAnswer> {
    pool ??= new Pool(`${secure ? 'https' : 'http'}://${host}`, poolOptions);
    const dispatcher = pool;
    return new Promise((resolve, reject) => {
      let sending: Dispatcher.DispatchController | undefined;
      let late: Error | undefined;
      const timer = setTimeout(() => {
        late = Object.assign(new Error(`no answer within ${requestTimeoutMs} ms`), { name: 'TimeoutError' });
        sending?.abort(late);
        reject(late);
      }, requestTimeoutMs);
      let status = 0;
      let date: string | undefined;
      const chunks: Buffer[] = [];
      dispatcher.dispatch(
        { path, method: 'POST', headers, body },
        {
          onRequestStart(controller) {
            // It waited for a connection for too long: it is not sent.
            if (late !== undefined) controller.abort(late);
            sending = controller;
          },
          onResponseStart(_, code, answered) {
            status = code;
            if (typeof answered['date'] === 'string') date = answered['date'];
          },
          onResponseData(_, chunk) {
            chunks.push(chunk);
          },
          onResponseEnd() {
            clearTimeout(timer);
            resolve({ status, date, text: Buffer.concat(chunks).toString() });
          },
          onResponseError(_, error) {
            clearTimeout(timer);
            reject(error);
          },
        },
      );
    });
  }

  return {
    async send(operation, input) {
      if (meter === undefined) return send(operation, input);
      const answer = await meter.measure('dynamodb', operation, () => send(operation, { ...input, ReturnConsumedCapacity: 'TOTAL' }));
      for (const { CapacityUnits = 0 } of capacitiesOf(answer)) meter.consumed(readOperations.has(operation) ? 'read' : 'write', CapacityUnits);
      return answer;
    },
    destroy() {
      void pool?.destroy();
      place.release();
    },
  };
}

/** The request is signed with another time than DynamoDB's. */
const skewed = new Set(['InvalidSignatureException', 'RequestTimeTooSkewed', 'RequestExpired', 'SignatureDoesNotMatch']);

const capacitiesOf = ({ ConsumedCapacity = [] }: Answer): readonly Capacity[] => (Array.isArray(ConsumedCapacity) ? (ConsumedCapacity as readonly Capacity[]) : [ConsumedCapacity as Capacity]);

function parseError(text: string): ErrorBody {
  try {
    return JSON.parse(text) as ErrorBody;
  } catch {
    return { message: text.slice(0, 200) };
  }
}
