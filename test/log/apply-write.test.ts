// The meaning of a write against expectations written by hand. They follow what DynamoDB publishes of its condition
// and update expressions (Amazon DynamoDB Developer Guide, "Condition and filter expressions, operators, and
// functions" and "Update expressions"), since that ledger evaluates the same writes by itself.

import { describe, expect, it } from 'vitest';
import { applyWrite, equal } from '../../src/log/apply-write.ts';
import { absent, add, append, type Change, type Check, copy, equals, exists, type Guard, InvalidWrite, type Item, lacks, ordered, remove, set, sized, type Value } from '../../src/log/write.ts';

const key = { pk: 'P#a', sk: 'H' };
const bytes = (...values: number[]) => Uint8Array.from(values);
const item: Item = { n: 5, s: 'creating', b: bytes(1, 2), l: ['x', 7, bytes(9)], m: { p: 1, q: 'z' }, es: '', eb: bytes(), el: [], em: {} };

const holds = (guard: Guard, on: Item | undefined = item) => applyWrite(on, { key, guards: [guard], action: 'check' }).applied;
const updated = (on: Item | undefined, ...changes: Change[]) => applyWrite(on, { key, guards: [], action: 'update', changes }).item;
const contains = (path: Check['path'], value: Value): Check => ({ test: 'contains', path, value });

describe('guards', () => {
  it.each<[string, Guard, boolean]>([
    ['attribute_exists of what is there', exists('n'), true],
    ['attribute_exists of what is not', exists('zz'), false],
    ['attribute_not_exists', absent('zz'), true],
    ['attribute_exists of an empty string', exists('es'), true],
    ['attribute_exists of a map entry', exists(['m', 'p']), true],
    ['attribute_exists of an entry that is not there', exists(['m', 'r']), false],
    ['attribute_exists of an entry of what is no map', exists(['n', 'p']), false],
    ['attribute_exists of an entry of a list', exists(['l', '0']), false],
    ['a name of Object.prototype is no attribute', exists('toString'), false],
    ['a name of Object.prototype is no entry', exists(['m', 'constructor']), false],
    ['equal numbers', equals('n', 5), true],
    ['equality of other types is false', equals('n', '5'), false],
    ['equal binaries, by content', equals('b', bytes(1, 2)), true],
    ['equal lists, in order', equals('l', ['x', 7, bytes(9)]), true],
    ['lists in another order', equals('l', [7, 'x', bytes(9)]), false],
    ['equal maps, in any order', equals('m', { q: 'z', p: 1 }), true],
    ['a map with an entry more', equals('m', { q: 'z', p: 1, r: 0 }), false],
    ['equality with a missing attribute is false', equals('zz', 0), false],
    ['NOT equality with a missing attribute is true', { ...equals('zz', 0), not: true }, true],
    ['<', ordered('n', '<', 6), true],
    ['< of equals', ordered('n', '<', 5), false],
    ['<= of equals', ordered('n', '<=', 5), true],
    ['>', ordered('n', '>', 5), false],
    ['>= of equals', ordered('n', '>=', 5), true],
    ['strings by their bytes', ordered('s', '<', 'deleting'), true],
    ['comparing a number with a string is false', ordered('n', '<', '9'), false],
    ['comparing a missing attribute is false', ordered('zz', '<=', 9), false],
    ['and so is its contrary', ordered('zz', '>', 9), false],
    ['NOT a comparison with a missing attribute is true', { ...ordered('zz', '<=', 9), not: true }, true],
    ['size of a string', sized('s', '>=', 8), true],
    ['size of a binary', sized('b', '<', 3), true],
    ['size of a list', sized('l', '>', 2), true],
    ['size of a map', sized('m', '<=', 2), true],
    ['size of what is empty', sized('el', '<', 1), true],
    ['size of a number is false, not an error', sized('n', '>=', 0), false],
    ['size of a missing attribute is false', sized('zz', '<', 32), false],
    ['NOT size of a missing attribute is true', { ...sized('zz', '<', 32), not: true }, true],
    ['contains of a list', contains('l', 7), true],
    ['contains of a binary in a list, by content', contains('l', bytes(9)), true],
    ['contains of what is not in the list', contains('l', 8), false],
    ['contains does not look into binaries', contains('b', bytes(1)), false],
    ['NOT contains of a missing list is true', lacks('zz', 7), true],
    ['NOT contains of what is there', lacks('l', 'x'), false],
    ['one alternative of several', { any: [equals('n', 1), exists('s')] }, true],
    ['no alternative', { any: [equals('n', 1), absent('s')] }, false],
    ['an empty list of alternatives', { any: [] }, false],
  ])('%s', (_, guard, expected) => {
    expect(holds(guard)).toBe(expected);
  });

  it('sees an absent item as one without attributes', () => {
    expect(applyWrite(undefined, { key, guards: [absent('n'), lacks('l', 1), { ...exists('s'), not: true }], action: 'check' }).applied).toBe(true);
    expect(applyWrite(undefined, { key, guards: [sized('l', '<', 32)], action: 'check' }).applied).toBe(false);
    expect(applyWrite(undefined, { key, guards: [ordered('gm', '<=', 1)], action: 'update', changes: [set('n', 1)] })).toEqual({ applied: false, item: undefined });
  });

  it('are joined by AND, and a refusal gives the old item', () => {
    const outcome = applyWrite(item, { key, guards: [exists('n'), absent('s')], action: 'put', item: {} });
    expect(outcome).toEqual({ applied: false, item });
  });
});

describe('actions', () => {
  it('a put replaces the whole item', () => expect(applyWrite(item, { key, guards: [], action: 'put', item: { z: 1 } }).item).toEqual({ z: 1 }));
  it('a delete leaves none, and one of nothing applies', () => {
    expect(applyWrite(item, { key, guards: [], action: 'delete' })).toEqual({ applied: true, item: undefined });
    expect(applyWrite(undefined, { key, guards: [], action: 'delete' })).toEqual({ applied: true, item: undefined });
  });
  it('a check changes nothing', () => expect(applyWrite(item, { key, guards: [exists('n')], action: 'check' })).toEqual({ applied: true, item }));
  it('an update makes the item where there is none', () => expect(updated(undefined, set('n', 1))).toEqual({ n: 1 }));
  it('an update without changes makes an empty item', () => expect(updated(undefined)).toEqual({}));
  it('leaves the old item as it was', () => {
    const old = { l: [1], m: { p: 1 } };
    updated(old, append('l', [2]), set(['m', 'q'], 2), set('n', 1));
    expect(old).toEqual({ l: [1], m: { p: 1 } });
  });
});

describe('changes', () => {
  it.each<[string, Item | undefined, Change[], Item]>([
    ['SET of a new attribute', { a: 1 }, [set('b', 2)], { a: 1, b: 2 }],
    ['SET over another type', { a: 1 }, [set('a', 'x')], { a: 'x' }],
    ['SET a = a + :by', { a: 1 }, [add('a', 4)], { a: 5 }],
    ['SET a = a + :negative', { a: 1 }, [add('a', -4)], { a: -3 }],
    ['if_not_exists(a, :start) + :by where there is none', {}, [{ change: 'startThenAdd', path: 'a', start: 10, by: 3 }], { a: 13 }],
    ['if_not_exists(a, :start) + :by where there is one', { a: 1 }, [{ change: 'startThenAdd', path: 'a', start: 10, by: 3 }], { a: 4 }],
    ['if_not_exists makes the item', undefined, [{ change: 'startThenAdd', path: 'a', start: 0, by: 1 }], { a: 1 }],
    ['list_append puts values last', { l: [1] }, [append('l', [2, 3])], { l: [1, 2, 3] }],
    ['list_append to an empty list', { l: [] }, [append('l', [2])], { l: [2] }],
    ['list_append of nothing', { l: [1] }, [append('l', [])], { l: [1] }],
    ['SET a = b', { b: [1] }, [copy('a', 'b')], { a: [1], b: [1] }],
    ['REMOVE', { a: 1, b: 2 }, [remove('a')], { b: 2 }],
    ['REMOVE of what is not there', { b: 2 }, [remove('a')], { b: 2 }],
    ['SET of a map entry', { m: { p: 1 } }, [set(['m', 'q'], 2)], { m: { p: 1, q: 2 } }],
    ['addition to a map entry', { m: { p: 1 } }, [add(['m', 'p'], 2)], { m: { p: 3 } }],
    ['REMOVE of a map entry', { m: { p: 1 } }, [remove(['m', 'p'])], { m: {} }],
    ['REMOVE of an entry that is not there', { m: {} }, [remove(['m', 'p'])], { m: {} }],
    ['two entries of one map', { m: {} }, [set(['m', 'p'], 1), set(['m', 'q'], 2)], { m: { p: 1, q: 2 } }],
    ['every right-hand side reads the old item', { cur: [1], prev: [0], n: 1 }, [copy('prev', 'cur'), set('cur', [2]), add('n', 1), copy('was', 'n')], { cur: [2], prev: [1], n: 2, was: 1 }],
    ['a swap', { a: 1, b: 2 }, [copy('a', 'b'), copy('b', 'a')], { a: 2, b: 1 }],
  ])('%s', (_, old, changes, expected) => {
    expect(updated(old, ...changes)).toEqual(expected);
  });

  it.each<[string, Item | undefined, Change[]]>([
    ['addition to a missing attribute', {}, [add('a', 1)]],
    ['addition where there is no item', undefined, [add('a', 1)]],
    ['addition to a string', { a: '1' }, [add('a', 1)]],
    ['if_not_exists of a string, plus a number', { a: 'x' }, [{ change: 'startThenAdd', path: 'a', start: 0, by: 1 }]],
    ['list_append to a missing list', {}, [append('l', [1])]],
    ['list_append to a string', { l: 'x' }, [append('l', [1])]],
    ['a copy of a missing attribute', { a: 1 }, [copy('a', 'b')]],
    ['an entry of a missing map', {}, [set(['m', 'p'], 1)]],
    ['an entry of what is no map', { m: [1] }, [set(['m', 'p'], 1)]],
    ['REMOVE of an entry of a missing map', {}, [remove(['m', 'p'])]],
    ['one path twice', { a: 1 }, [set('a', 1), remove('a')]],
    ['one entry twice', { m: {} }, [set(['m', 'p'], 1), set(['m', 'p'], 2)]],
    ['a map and an entry of it', { m: {} }, [set('m', {}), set(['m', 'p'], 1)]],
    ['an entry and its map', { m: {} }, [set(['m', 'p'], 1), remove('m')]],
    ['a map that the same update makes', {}, [set('m', {}), set(['m', 'p'], 1)]],
  ])('%s is an invalid write', (_, old, changes) => {
    expect(() => updated(old, ...changes)).toThrow(InvalidWrite);
  });

  it('are not looked at where a guard refuses, save that they overlap', () => {
    const refused = { key, guards: [exists('zz')], action: 'update' } as const;
    expect(applyWrite({}, { ...refused, changes: [add('a', 1)] }).applied).toBe(false);
    expect(() => applyWrite({}, { ...refused, changes: [set('a', 1), set('a', 2)] })).toThrow(InvalidWrite);
  });
});

describe('equal', () => {
  it.each<[Value, Value, boolean]>([
    [bytes(), '', false],
    [[], {}, false],
    [{}, [], false],
    [bytes(1), [1], false],
    [[1], bytes(1), false],
    [{ a: 1 }, { b: 1 }, false],
    [0, -0, true],
    [{}, 'x', false],
    [{ length: 0 }, [], false],
    [{ a: bytes(1), l: [{ b: 2 }] }, { l: [{ b: 2 }], a: bytes(1) }, true],
  ])('%j and %j: %s', (a, b, expected) => {
    expect(equal(a, b)).toBe(expected);
    expect(equal(b, a)).toBe(expected);
  });
});
