// Guards and changes as DynamoDB's condition and update expressions. All names and values go in by placeholders, each
// once, so that no name is a reserved word and expressions stay short (they may have 4 KB).

import { assertDisjoint } from '../../log/apply-write.ts';
import type { Change, Check, Guard, Path, Value } from '../../log/write.ts';
import { type Attributes, toAttribute } from './attribute-values.ts';

export type Expressions = {
  readonly ConditionExpression?: string;
  readonly UpdateExpression?: string;
  readonly ExpressionAttributeNames?: Record<string, string>;
  readonly ExpressionAttributeValues?: Attributes;
};

/** @throws InvalidWrite for values that no ledger keeps, and where two changes touch the same path */
export function render(guards: readonly Guard[], changes: readonly Change[] = []): Expressions {
  assertDisjoint(changes);
  const names = new Map<string, string>();
  const values: Attributes = {};
  const types = new Map<string, string>();
  let valueCount = 0;

  function name(attribute: string): string {
    const known = names.get(attribute);
    if (known !== undefined) return known;
    const placeholder = `#${names.size.toString(36)}`;
    names.set(attribute, placeholder);
    return placeholder;
  }

  const at = (path: Path): string => (typeof path === 'string' ? name(path) : `${name(path[0])}.${name(path[1])}`);

  function value(given: Value): string {
    const placeholder = `:${(valueCount++).toString(36)}`;
    values[placeholder] = toAttribute(given);
    return placeholder;
  }

  function isOfType(path: Path, type: 'L'): string {
    const placeholder = types.get(type) ?? value(type);
    types.set(type, placeholder);
    return `attribute_type(${at(path)},${placeholder})`;
  }

  function positive(check: Check): string {
    switch (check.test) {
      case 'exists':
        return `attribute_exists(${at(check.path)})`;
      case 'equals':
        return `${at(check.path)}=${value(check.value)}`;
      case 'order':
        return `${at(check.path)}${check.order}${value(check.value)}`;
      case 'size':
        return `size(${at(check.path)})${check.order}${value(check.value)}`;
      case 'contains':
        // Of texts and binaries DynamoDB would ask whether one is a part of the other.
        return `(${isOfType(check.path, 'L')} AND contains(${at(check.path)},${value(check.value)}))`;
    }
  }

  function one(check: Check): string {
    if (check.not !== true) return positive(check);
    return check.test === 'exists' ? `attribute_not_exists(${at(check.path)})` : `NOT ${positive(check)}`;
  }

  /** Redundant parentheses are an error. */
  const anyOf = (checks: readonly Check[]): string => (checks.length === 1 ? one(checks[0] as Check) : `(${checks.map(one).join(' OR ')})`);

  const condition = guards.map((guard) => ('any' in guard ? anyOf(guard.any) : one(guard))).join(' AND ');

  function assignment(change: Exclude<Change, { change: 'remove' }>): string {
    const path = at(change.path);
    switch (change.change) {
      case 'set':
        return `${path}=${value(change.value)}`;
      case 'copy':
        return `${path}=${name(change.from)}`;
      case 'append':
        return `${path}=list_append(${path},${value(change.values)})`;
      case 'add':
        return `${path}=${path}+${value(change.by)}`;
      case 'startThenAdd':
        return `${path}=if_not_exists(${path},${value(change.start)})+${value(change.by)}`;
    }
  }

  const assignments = changes.flatMap((change) => (change.change === 'remove' ? [] : [assignment(change)]));
  const removals = changes.flatMap((change) => (change.change === 'remove' ? [at(change.path)] : []));
  const update = [...(assignments.length > 0 ? [`SET ${assignments.join(',')}`] : []), ...(removals.length > 0 ? [`REMOVE ${removals.join(',')}`] : [])].join(' ');
  return {
    ...(condition === '' ? {} : { ConditionExpression: condition }),
    ...(update === '' ? {} : { UpdateExpression: update }),
    ...(names.size === 0 ? {} : { ExpressionAttributeNames: Object.fromEntries([...names].map(([attribute, placeholder]) => [placeholder, attribute])) }),
    ...(valueCount === 0 ? {} : { ExpressionAttributeValues: values }),
  };
}
