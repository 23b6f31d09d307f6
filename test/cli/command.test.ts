// The command against a real server: what it prints, where, and with which exit code. Every example of the help is run
// as it is printed.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commands } from '../../src/cli/main.ts';
import { startServer, temporaryFolder } from '../support/server-process.ts';

type Run = { readonly code: number | null; readonly out: string; readonly err: string };

const entry = fileURLToPath(new URL('../../src/cli/start.ts', import.meta.url));
const launcher = fileURLToPath(new URL('../../bin/wadi.js', import.meta.url));
let server: Awaited<ReturnType<typeof startServer>>;
/** An empty home, with `wadi` on the PATH. */
let home: string;
let topics = 0;
const fresh = (): string => `cli-${topics++}`;

beforeAll(async () => {
  server = await startServer({ dataDir: temporaryFolder('cli') });
  home = mkdtempSync(join(tmpdir(), 'wadi-home-'));
  mkdirSync(join(home, 'bin'));
  symlinkSync(launcher, join(home, 'bin', 'wadi'));
});
afterAll(async () => {
  await server.stop();
  rmSync(home, { recursive: true });
});

const environment = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({ PATH: `${join(home, 'bin')}:${process.env['PATH']}`, HOME: home, WADI_URL: server.url, ...more });

function finish(child: ChildProcess): Promise<Run> {
  let [out, err] = ['', ''];
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (err += text));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err })));
}

const start = (args: readonly string[], env?: NodeJS.ProcessEnv): ChildProcess => spawn(process.execPath, [entry, ...args], { env: environment(env), cwd: home });

function wadi(args: readonly string[], { input = '', env }: { input?: string | Buffer; env?: NodeJS.ProcessEnv } = {}): Promise<Run> {
  const child = start(args, env);
  child.stdin?.on('error', () => {});
  child.stdin?.end(input);
  return finish(child);
}

const shell = (line: string): Promise<Run> => finish(spawn('bash', ['-c', `set -eo pipefail; ${line}`], { env: environment(), cwd: home, stdio: ['ignore', 'pipe', 'pipe'] }));

async function topic(partitions = 1): Promise<string> {
  const name = fresh();
  expect((await wadi(['topics', 'create', name, '--partitions', String(partitions)])).code).toBe(0);
  return name;
}

describe('help', () => {
  it('is an overview without arguments, and says that they are missing', async () => {
    const { code, out } = await wadi([]);
    expect(code).toBe(2);
    for (const { name, summary } of commands) expect(out.replaceAll(/ +/g, ' ')).toContain(` ${name} ${summary}\n`);
    expect(await wadi(['--help'])).toMatchObject({ code: 0, out });
    expect(await wadi(['help'])).toMatchObject({ code: 0, out });
  });

  it.each(commands.map(({ name }) => name))('of %s tells its form, its options and examples', async (name) => {
    const { code, out } = await wadi(['help', ...name.split(' ')]);
    const command = commands.find((one) => one.name === name);
    expect(code).toBe(0);
    for (const option of Object.keys(command?.options ?? {})) expect(out).toContain(`--${option}`);
    for (const example of command?.examples ?? []) expect(out).toContain(`  ${example}\n`);
    expect((await wadi([...name.split(' '), '--help'])).out).toBe(out);
  });

  it('the examples work as they are printed, in order', async () => {
    await (await startServer({ dataDir: join(home, 'data') })).stop();
    for (const setUp of ['wadi topics create greetings', 'wadi topics create payments', 'wadi topics create weather']) expect((await shell(setUp)).code).toBe(0);
    const last = ['topics delete'];
    const ordered = [...commands.filter(({ name }) => !last.includes(name)), ...commands.filter(({ name }) => last.includes(name))];
    for (const { examples } of ordered)
      for (const example of examples)
        expect([example, await shell(example)]).toEqual([example, { code: 0, out: expect.any(String), err: expect.stringMatching(/^(The topic had 3 partitions.*\n)?$/) }]);
    expect((await shell('wadi consume payments --format json --limit 10')).out).toContain('"key":"alice","value":{"user":"alice","amount":1.10}');
    expect((await shell('wadi consume weather --with-key')).out.split('\n')).toContain('Rome\t{"city":"Rome","temperature":"12"}');
    expect(JSON.parse(readFileSync(join(home, 'tokens.json'), 'utf8')).tokens[0]).toMatchObject({ name: 'orders-service', access: ['read', 'write'], topics: ['orders*'] });
  });
});

describe('wrong use is told in a line, with exit code 2', () => {
  it.each([
    [['frobnicate'], /no command "frobnicate"/],
    [['topics'], /There are topics create/],
    [['topics', 'frob'], /There are topics create/],
    [['topics', 'create'], /The form is: wadi topics create TOPIC/],
    [['topics', 'create', 'a', 'b'], /The form is/],
    [['topics', 'create', 'a', '--partitions', 'x'], /--partitions is an integer/],
    [['topics', 'create', 'a', '--set', 'x'], /--set takes NAME=VALUE/],
    [['topics', 'alter', 'a'], /what is to be altered/],
    [['produce'], /The form is: wadi produce TOPIC/],
    [['produce', 'a', '--format', 'xml'], /--format is one of lines, json, csv, records/],
    [['produce', 'a', '--key-field', 'k'], /--key-field is for/],
    [['produce', 'a', '/nowhere'], /Cannot read \/nowhere/],
    [['produce', 'a', '--frob'], /'--frob'/],
    [['consume', 'a', '--from', 'here'], /--from is earliest/],
    [['consume', 'a', '--offset', '1'], /add --partition/],
    [['consume', 'a', '--from', 'latest', '--timestamp', '1'], /one place/],
    [['consume', 'a', '--timestamp', 'soon'], /--timestamp is a time/],
    [['consume', 'a', '--limit', '0'], /from 1 on/],
    [['consume', 'a', '--url', 'localhost:8080'], /no address of a server/],
    [['consume', 'a', '--config', '/nowhere'], /cannot read \/nowhere/],
    [['consume', 'a', '--token-file', '/nowhere'], /cannot read \/nowhere/],
    [['tokens', 'create', 'a'], /Give --file and --access/],
    [['completion', 'fish'], /completion for bash and zsh/],
    [['serve', '--port', 'x'], /--port is a number/],
  ])('%j', async (args, message) => {
    const { code, out, err } = await wadi(args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(message);
    expect(err.trim().split('\n')).toHaveLength(1);
  });
});

describe('produce and consume', () => {
  const lines = 'plain text\n12345678901234567890\n1.10\n{"a": [1,  2]}\n\n"ä😀"\nnull\n';

  it('lines come back as they went in', async () => {
    const name = await topic();
    expect(await wadi(['produce', name], { input: lines })).toEqual({ code: 0, out: '', err: '' });
    expect(await wadi(['consume', name])).toEqual({ code: 0, out: lines, err: '' });
  });

  it('bytes that are no text come back, too', async () => {
    const name = await topic();
    const input = Buffer.from('a\xff\xfe\nb\n', 'latin1');
    expect((await wadi(['produce', name], { input })).code).toBe(0);
    const child = start(['consume', name]);
    child.stdin?.end();
    const chunks: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
    await new Promise((resolve) => child.once('close', resolve));
    expect(Buffer.concat(chunks)).toEqual(input);
  });

  it('a last line needs no end, and a file is as good as what is piped in', async () => {
    const name = await topic();
    const file = join(home, 'input.txt');
    writeFileSync(file, 'from a file');
    expect((await wadi(['produce', name, file, file])).code).toBe(0);
    expect((await wadi(['consume', name])).out).toBe('from a file\nfrom a file\n');
  });

  it('JSON is checked, keyed by a field and kept digit for digit', async () => {
    const name = await topic(3);
    expect((await wadi(['produce', name, '--format', 'json', '--key-field', 'id'], { input: '{"id":7,"n":1.10}\n\n{"id":"x","n":12345678901234567890}\n{"n":0}\n' })).code).toBe(0);
    const out = (await wadi(['consume', name, '--format', 'json'])).out;
    for (const part of ['"key":"7","value":{"id":7,"n":1.10}', '"key":"x","value":{"id":"x","n":12345678901234567890}', '"key":null,"value":{"n":0}']) expect(out).toContain(part);
  });

  it('a key is the number that was sent, also where JavaScript would round it', async () => {
    const name = await topic();
    const input = '{"a":{"id":1},"id":12345678901234567891,"b":{"id":2}}\n{"id":12345678901234567892}\n';
    expect((await wadi(['produce', name, '--format', 'json', '--key-field', 'id'], { input })).code).toBe(0);
    const keys = (await wadi(['consume', name, '--with-key'])).out.split('\n').map((line) => line.split('\t')[0]);
    expect(keys).toEqual(['12345678901234567891', '12345678901234567892', '']);
  });

  it('a byte order mark is kept in lines, and passed over before JSON', async () => {
    const [asLines, asJson] = [await topic(), await topic()];
    const input = '\ufeff1\n\ufeff2\n';
    expect((await wadi(['produce', asLines], { input })).code).toBe(0);
    expect((await wadi(['consume', asLines])).out).toBe(input);
    expect(await wadi(['produce', asJson, '--format', 'json'], { input })).toMatchObject({ code: 2, err: expect.stringContaining('line 2 is not JSON') });
    expect((await wadi(['consume', asJson])).out).toBe('1\n');
  });

  it('what cannot be read ends the input there, and is told', async () => {
    const name = await topic();
    const file = join(home, 'readable.txt');
    writeFileSync(file, 'before\n');
    const { code, err } = await wadi(['produce', name, file, home, file]);
    expect([code, err]).toEqual([2, expect.stringMatching(/cannot be sent: .*EISDIR.* 1 record acknowledged, none unknown\./)]);
    expect((await wadi(['consume', name])).out).toBe('before\n');
  });

  it('records come with all that they have, and can be produced again', async () => {
    const [from, to] = [await topic(), await topic()];
    const record = { key: 'k', value: { a: 1 }, headers: [['h', 'x']], timestamp: 1_700_000_000_000 };
    expect((await wadi(['produce', from, '--format', 'records'], { input: `${JSON.stringify(record)}\n{"key":"gone","value":null}\n` })).code).toBe(0);
    const { out } = await wadi(['consume', from, '--format', 'json']);
    expect(JSON.parse(out.split('\n')[0] as string)).toMatchObject({ partition: 0, offset: 0, ...record });
    const again = out.replaceAll(/"offset":\d+,/g, '');
    expect((await wadi(['produce', to, '--format', 'records'], { input: again })).code).toBe(0);
    expect((await wadi(['consume', to, '--format', 'json'])).out).toBe(out);
  });

  it.each([
    ['json', 'x\n', '{"v":1}\nnope\n{"v":2}\n', /line 2 is not JSON/],
    ['csv', 'x\n', 'a,b\n1,2\n3\n', /Invalid Record Length/],
  ])('%s that is not valid ends the input there: what stands before it stands', async (format, _, input, message) => {
    const name = await topic();
    const { code, err } = await wadi(['produce', name, '--format', format], { input });
    expect(code).toBe(2);
    expect(err).toMatch(message);
    expect(err).toContain('1 record acknowledged, none unknown.');
    expect((await wadi(['consume', name])).out.trim().split('\n')).toHaveLength(1);
  });

  it('what the server refuses is told with the line, and exit code 1', async () => {
    const name = await topic();
    const { code, err } = await wadi(['produce', name, '--format', 'records'], { input: '{"value":1}\n{"valeu":2}\n' });
    expect(code).toBe(1);
    expect(err).toMatch(/invalid_record.*Line 2: .*"valeu".* 1 record acknowledged, none unknown\./);
  });

  it('a place to begin, a limit and a partition', async () => {
    const name = await topic(2);
    await wadi(['produce', name, '--partition', '1'], { input: '0\n1\n2\n3\n' });
    await wadi(['produce', name, '--partition', '0'], { input: 'other\n' });
    const consumed = async (...args: string[]) => (await wadi(['consume', name, ...args])).out;
    expect(await consumed('--partition', '1', '--from', 'end-2')).toBe('2\n3\n');
    expect(await consumed('--partition', '1', '--offset', '1', '--limit', '2')).toBe('1\n2\n');
    expect(await consumed('--partition', '1', '--from', 'latest')).toBe('');
    expect(await consumed('--partition', '0')).toBe('other\n');
    expect((await consumed()).split('\n').sort()).toEqual(['', '0', '1', '2', '3', 'other']);
    expect(await consumed('--timestamp', '2100-01-01T00:00:00Z')).toBe('');
  });

  it('what is read while it comes ends at its limit, and goes on over a broken connection', async () => {
    const name = await topic();
    const following = wadi(['consume', name, '--follow', '--limit', '3', '--from', 'earliest']);
    await wadi(['produce', name], { input: 'a\nb\n' });
    await wadi(['produce', name], { input: 'c\n' });
    expect(await following).toEqual({ code: 0, out: 'a\nb\nc\n', err: '' });
  });

  it('input is sent as it comes, not only at its end', async () => {
    const name = await topic();
    const child = start(['produce', name]);
    const ended = finish(child);
    child.stdin?.write('first\n');
    expect((await wadi(['consume', name, '--follow', '--from', 'earliest', '--limit', '1'])).out).toBe('first\n');
    child.stdin?.end('second\n');
    expect(await ended).toEqual({ code: 0, out: '', err: '' });
    expect((await wadi(['consume', name])).out).toBe('first\nsecond\n');
  });

  it('whoever reads the output may stop early', async () => {
    const name = await topic();
    await wadi(['produce', name], { input: Array.from({ length: 50_000 }, (_, i) => `line ${i}\n`).join('') });
    expect(await shell(`wadi consume ${name} | head -1`)).toMatchObject({ out: 'line 0\n', err: '' });
  });

  it('--resume goes on where it was, tells another input and topic, and works alone', async () => {
    const [name, other] = [await topic(2), await topic()];
    const [input, state] = [join(home, `${name}.txt`), join(home, `${name}.resume`)];
    const run = (to: string) => wadi(['produce', to, input, '--resume', state]);
    writeFileSync(input, 'a\nb\n');
    expect(await run(name)).toEqual({ code: 0, out: '', err: '' });
    expect(await run(name)).toEqual({ code: 0, out: '', err: '' });
    writeFileSync(input, 'a\nb\nc\n');
    expect(await run(name)).toEqual({ code: 0, out: '', err: '' });
    expect((await wadi(['consume', name])).out.split('\n').sort()).toEqual(['', 'a', 'b', 'c']);
    expect(await wadi(['produce', name, input, '--resume', state, '--partition', '1'])).toMatchObject({ code: 2, err: expect.stringContaining('was begun without --partition') });
    expect(await run(other)).toMatchObject({ code: 2, err: expect.stringContaining(`the file is of topic "${name}"`) });
    writeFileSync(input, 'a\n');
    expect(await run(name)).toMatchObject({ code: 2, err: expect.stringContaining('the input is another one') });
    writeFileSync(`${state}.lock`, String(process.pid));
    expect(await run(name)).toMatchObject({ code: 2, err: expect.stringContaining(`process ${process.pid} works with`) });
    writeFileSync(`${state}.lock`, '999999999');
    writeFileSync(state, 'x');
    expect(await run(name)).toMatchObject({ code: 2, err: expect.stringContaining('is not a file that an earlier --resume') });
  });

  it('Ctrl-C ends the input in order, with exit code 130', async () => {
    const name = await topic();
    const child = start(['produce', name]);
    const ended = finish(child);
    child.stdin?.write('a\nb\n');
    expect((await wadi(['consume', name, '--follow', '--from', 'earliest', '--limit', '2'])).out).toBe('a\nb\n');
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ code: 130, err: expect.stringContaining('2 records acknowledged, none unknown.') });
  });
});

describe('connections', () => {
  it('no server: told so, with exit code 3', async () => {
    const env = { WADI_URL: 'http://127.0.0.1:2' };
    expect(await wadi(['topics', 'list'], { env })).toMatchObject({ code: 3, out: '', err: expect.stringMatching(/ECONNREFUSED.*wadi serve/) });
    expect(await wadi(['produce', 't'], { env, input: 'x\n' })).toMatchObject({ code: 3, err: expect.stringContaining('0 records acknowledged, none unknown.') });
  });

  it('a topic that is not there: told how to make it, with exit code 1', async () => {
    expect(await wadi(['consume', 'nowhere'])).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/topic_not_found.*wadi topics create/) });
  });

  it('the address is taken from the option, then the environment, then the settings', async () => {
    const settings = join(home, 'settings.json');
    writeFileSync(settings, JSON.stringify({ url: server.url }));
    const nowhere = 'http://127.0.0.1:2';
    expect((await wadi(['topics', 'list', '--config', settings], { env: { WADI_URL: undefined } })).code).toBe(0);
    expect((await wadi(['topics', 'list', '--config', settings], { env: { WADI_URL: nowhere } })).code).toBe(3);
    expect((await wadi(['topics', 'list', '--url', server.url], { env: { WADI_URL: nowhere } })).code).toBe(0);
    for (const wrong of ['{"url":1}', '{"host":"x"}', 'null', '[]', '"x"']) {
      writeFileSync(settings, wrong);
      expect(await wadi(['topics', 'list', '--config', settings])).toMatchObject({ code: 2, err: expect.stringContaining('JSON object of url, token, auth') });
    }
  });
});

describe('bench', () => {
  it('leaves a topic that stands already as it is', async () => {
    const name = await topic();
    await wadi(['produce', name], { input: 'mine\n' });
    expect(await wadi(['bench', '--topic', name, '--seconds', '1'])).toMatchObject({ code: 2, out: '', err: expect.stringContaining('stands already') });
    expect((await wadi(['consume', name])).out).toBe('mine\n');
  });

  it('deletes the topic that it made', async () => {
    const name = fresh();
    expect(await wadi(['bench', '--topic', name, '--seconds', '1', '--connections', '1'])).toMatchObject({ code: 0, err: '' });
    expect((await wadi(['topics', 'describe', name])).err).toContain('topic_not_found');
  });
});

describe('completion', () => {
  const complete = async (words: readonly string[]): Promise<string[]> => {
    const quoted = words.map((word) => `'${word}'`).join(' ');
    const { out } = await shell(`source <(wadi completion bash); COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _wadi; printf '%s\\n' "\${COMPREPLY[@]}"`);
    return out.trim().split('\n');
  };

  it.each([
    [['wadi', 'pro'], ['produce']],
    [['wadi', 'topics', 'cr'], ['create']],
    [['wadi', 'topics', 'create', 't', '--par'], ['--partitions']],
    [['wadi', 'produce', 't', '--ke'], ['--key-field']],
    [['wadi', 'produce', 't', '--format', 'j'], ['json']],
    [['wadi', 'help', 'con'], ['consume']],
  ])('%j', async (words, expected) => {
    expect(await complete(words)).toEqual(expected);
  });
});
