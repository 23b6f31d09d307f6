// The ledger on one DynamoDB table, whose key is (pk, sk). Each write is one request and is sent once: its guards are a
// condition, its changes an update expression, and the image that comes with the answer is the item as it stands, or
// the one that refused. Writes together are a transaction, which tells no new images.

import { applyWrite } from '../../log/apply-write.ts';
import { InvalidWrite, type Item, type Key, remove, type Write, type WriteOutcome } from '../../log/write.ts';
import { StoreFailure } from '../../ports/failure.ts';
import type { Ledger, ScanRange, WriteAllOutcome } from '../../ports/ledger.ts';
import { askAgain } from '../aws/ask-again.ts';
import { type Attributes, toAttributes, toItem, toKey } from './attribute-values.ts';
import { type DynamoClient, DynamoError } from './client.ts';
import { render } from './expressions.ts';
import { cancelledBy, failureOf } from './failures.ts';

const kib = 1024;
const maxItemBytes = 400 * kib;
const maxWritesTogether = 100;
/** Of DynamoDB, for one partition and so for one item. */
const itemWriteUnitsPerSecond = 1000;
const maxKeysPerBatch = 100;
const maxBatchTries = 8;

const allOld = { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' } as const;

export function dynamoLedger(client: DynamoClient, table: string): Ledger {
  const TableName = table;

  async function write(given: Write): Promise<WriteOutcome> {
    const Key = toKey(given.key);
    try {
      switch (given.action) {
        case 'check': {
          // A look that is as good as a write of nothing, and costs less.
          const [item] = await read([given.key], { strong: true });
          return applyWrite(item, given);
        }
        case 'put':
          await client.send('PutItem', { TableName, Item: { ...toAttributes(given.item), ...Key }, ...render(given.guards), ...allOld });
          return { applied: true, item: given.item };
        case 'delete':
          await client.send('DeleteItem', { TableName, Key, ...render(given.guards), ...allOld });
          return { applied: true, item: undefined };
        case 'update': {
          const { Attributes = {} } = await client.send('UpdateItem', { TableName, Key, ...render(given.guards, given.changes), ReturnValues: 'ALL_NEW', ...allOld });
          return { applied: true, item: toItem(Attributes) };
        }
      }
    } catch (error) {
      if (error instanceof DynamoError && error.name === 'ConditionalCheckFailedException') return { applied: false, item: error.item && toItem(error.item) };
      throw failureOf(error, `the write of ${given.key.pk} / ${given.key.sk}`);
    }
  }

  async function writeAll(writes: readonly Write[]): Promise<WriteAllOutcome> {
    assertTogether(writes);
    const [first] = writes;
    if (first === undefined) return { applied: true, items: [] };
    if (writes.length === 1) {
      const outcome = await write(first);
      return outcome.applied ? { applied: true, items: [outcome.item] } : { applied: false, outcomes: [outcome] };
    }
    const TransactItems = writes.map(transactItem);
    try {
      await client.send('TransactWriteItems', { TransactItems });
      return { applied: true, items: undefined };
    } catch (error) {
      const cancelled = error instanceof DynamoError && error.name === 'TransactionCanceledException' ? error.cancellationReasons : [];
      const failure = cancelled.length === writes.length ? cancelledBy(cancelled) : failureOf(error, `the write of ${writes.length} items together`);
      if (failure instanceof InvalidWrite) return refusedInstead(writes, failure);
      if (failure !== undefined) throw failure;
      return { applied: false, outcomes: cancelled.map(({ Code, Item }) => (Code === 'ConditionalCheckFailed' ? { applied: false, item: Item && toItem(Item) } : { applied: true, item: undefined })) };
    }
  }

  /** Nothing was written. Changes that cannot be carried out are told before guards that fail, which is the other way round. */
  async function refusedInstead(writes: readonly Write[], failure: InvalidWrite): Promise<WriteAllOutcome> {
    const items = await read(
      writes.map(({ key }) => key),
      { strong: true },
    );
    const outcomes = writes.map((given, i): WriteOutcome => {
      const { applied } = applyWrite(items[i], { key: given.key, guards: given.guards, action: 'check' });
      return { applied, item: applied ? undefined : items[i] };
    });
    if (outcomes.every(({ applied }) => applied)) throw failure;
    return { applied: false, outcomes };
  }

  function transactItem(given: Write): object {
    const Key = toKey(given.key);
    switch (given.action) {
      case 'check': {
        const { ConditionExpression = anything, ...rest } = render(given.guards);
        return { ConditionCheck: { TableName, Key, ConditionExpression, ...rest, ...allOld } };
      }
      case 'put':
        return { Put: { TableName, Item: { ...toAttributes(given.item), ...Key }, ...render(given.guards), ...allOld } };
      case 'delete':
        return { Delete: { TableName, Key, ...render(given.guards), ...allOld } };
      case 'update': {
        // Without a change it makes the item where there is none: a transaction wants that said.
        const changes = given.changes.length > 0 ? given.changes : [remove(unused)];
        const { UpdateExpression, ...rest } = render(given.guards, changes);
        return { Update: { TableName, Key, UpdateExpression, ...rest, ...allOld } };
      }
    }
  }

  async function read(keys: readonly Key[], { strong }: { readonly strong: boolean }): Promise<(Item | undefined)[]> {
    const [first] = keys;
    if (first === undefined) return [];
    try {
      if (keys.length === 1) {
        const { Item } = await askAgain(() => client.send('GetItem', { TableName, Key: toKey(first), ConsistentRead: strong }));
        return [Item && toItem(Item)];
      }
      const found = await readMany(keys, strong);
      return keys.map((key) => found.get(nameOf(key)));
    } catch (error) {
      throw failureOf(error, `a read of ${keys.length === 1 ? `${first.pk} / ${first.sk}` : `${keys.length} items`}`);
    }
  }

  async function readMany(keys: readonly Key[], ConsistentRead: boolean): Promise<Map<string, Item>> {
    const found = new Map<string, Item>();
    const wanted: Attributes[] = [...new Map(keys.map((key) => [nameOf(key), toKey(key)])).values()];
    for (let tries = 0; wanted.length > 0; tries++) {
      if (tries >= maxBatchTries + keys.length / maxKeysPerBatch) throw new StoreFailure('throttled', 'none', `the table leaves reads unanswered`);
      const Keys = wanted.splice(0, maxKeysPerBatch);
      const { Responses = {}, UnprocessedKeys = {} } = await askAgain(() => client.send('BatchGetItem', { RequestItems: { [TableName]: { Keys, ConsistentRead } } }));
      for (const attributes of Responses[TableName] ?? []) found.set(nameOf({ pk: attributes['pk']?.S ?? '', sk: attributes['sk']?.S ?? '' }), toItem(attributes));
      wanted.push(...(UnprocessedKeys[TableName]?.Keys ?? []));
    }
    return found;
  }

  async function scan({ pk, from, to, descending = false, limit, strong }: ScanRange) {
    const bounds = from !== undefined && to !== undefined ? ' AND sk BETWEEN :from AND :to' : from !== undefined ? ' AND sk >= :from' : to !== undefined ? ' AND sk <= :to' : '';
    if (from !== undefined && to !== undefined && from > to) return { items: [], more: false };
    const items: { sk: string; item: Item }[] = [];
    // One beyond the limit tells whether there is more.
    const wanted = limit + 1;
    let ExclusiveStartKey: Attributes | undefined;
    try {
      do {
        const query = {
          TableName,
          KeyConditionExpression: `pk = :pk${bounds}`,
          ExpressionAttributeValues: { ':pk': { S: pk }, ...(from === undefined ? {} : { ':from': { S: from } }), ...(to === undefined ? {} : { ':to': { S: to } }) },
          ScanIndexForward: !descending,
          ConsistentRead: strong,
          Limit: wanted - items.length,
          ExclusiveStartKey,
        };
        const { Items = [], LastEvaluatedKey } = await askAgain(() => client.send('Query', query));
        for (const attributes of Items) items.push({ sk: attributes['sk']?.S ?? '', item: toItem(attributes) });
        ExclusiveStartKey = LastEvaluatedKey;
      } while (items.length < wanted && ExclusiveStartKey !== undefined);
    } catch (error) {
      throw failureOf(error, `a scan of ${pk}`);
    }
    return { items: items.slice(0, limit), more: items.length > limit };
  }

  return { limits: { maxItemBytes, maxWritesTogether, writeUnitBytes: kib, itemWriteUnitsPerSecond }, read, scan, write, writeAll };
}

/** No item has an attribute of this name. */
const unused = '_';

/** A check in a transaction needs a condition: this one holds for every item, and for none. */
const anything = '(attribute_exists(pk) OR attribute_not_exists(pk))';

const nameOf = ({ pk, sk }: Key): string => `${pk}\0${sk}`;

function assertTogether(writes: readonly Write[]): void {
  if (writes.length > maxWritesTogether) throw new InvalidWrite(`more than ${maxWritesTogether} writes together`);
  if (new Set(writes.map(({ key }) => nameOf(key))).size < writes.length) throw new InvalidWrite('two writes of a writeAll touch the same item');
}
