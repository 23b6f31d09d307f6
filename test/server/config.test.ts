// The command line of the server: which home it names, and what is said of one that names none.

import { describe, expect, it } from 'vitest';
import { readCommandLine } from '../../src/config.ts';

const homeOf = (...args: string[]) => {
  const line = readCommandLine(args);
  return 'run' in line ? line.run.home : line;
};

describe('the home', () => {
  it('is a folder of this machine by default', () => {
    expect(homeOf()).toEqual({ kind: 'embedded', dataDir: './data' });
    expect(homeOf('--data', '/srv/log')).toEqual({ kind: 'embedded', dataDir: '/srv/log' });
  });

  it('is a table and a bucket where both are asked for', () => {
    expect(homeOf('--ledger', 'dynamodb', '--store', 's3', '--bucket', 'b')).toMatchObject({ kind: 'cloud', table: 'wadi', bucket: 'b', aws: { region: undefined } });
    expect(homeOf('--ledger', 'dynamodb', '--store', 's3', '--bucket', 'b', '--table', 't', '--region', 'eu-west-1')).toMatchObject({ table: 't', aws: { region: 'eu-west-1' } });
  });

  it.each([
    [['--ledger', 'dynamodb'], '--store'],
    [['--store', 's3', '--bucket', 'b'], '--ledger'],
    [['--ledger', 'sqlite', '--store', 's3', '--bucket', 'b'], '--ledger'],
    [['--ledger', 'dynamodb', '--store', 's3'], '--bucket'],
    [['--ledger', 'dynamodb', '--store', 's3', '--bucket', ''], '--bucket'],
    [['--ledger', 'dynamodb', '--store', 's3', '--bucket', 'b', '--data', 'd'], '--data'],
    [['--bucket', 'b'], '--bucket'],
    [['--table', 't'], '--table'],
    [['--data', ''], '--data'],
  ])('%j is refused and says which option', (args, option) => {
    expect(homeOf(...args)).toEqual({ wrong: expect.stringContaining(option) });
  });
});
