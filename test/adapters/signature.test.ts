// The signature of requests to DynamoDB against the SDK's.

import { SignatureV4 } from '@smithy/signature-v4';
import { describe, expect, it } from 'vitest';
import { createSigner, type Endpoint } from '../../src/adapters/dynamodb/signature.ts';
import { Sha256 } from '../../src/cli/sign.ts';

const atMs = Date.UTC(2026, 10, 28, 23, 59, 58, 123);
const endpoint: Endpoint = { secure: true, path: '/', host: 'dynamodb.eu-central-1.amazonaws.com' };
const target = 'DynamoDB_20120810.UpdateItem';
const region = async () => 'eu-central-1';
const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };

async function signedBySdk(given: typeof credentials & { readonly sessionToken?: string }, { path, host }: Endpoint, body: string, signingDate: Date): Promise<unknown> {
  const signer = new SignatureV4({ credentials: given, region: 'eu-central-1', service: 'dynamodb', sha256: Sha256, applyChecksum: false });
  const headers = { 'content-type': 'application/x-amz-json-1.0', host, 'x-amz-target': target };
  const { headers: signed } = await signer.sign({ method: 'POST', protocol: 'https:', hostname: host, path, headers, body }, { signingDate });
  return signed['authorization'];
}

describe('the signature', () => {
  it.each([
    ['of a user', credentials, endpoint, '{"TableName":"wadi"}'],
    ['of a role, with a session token', { ...credentials, sessionToken: 'a/token+of=some length' }, endpoint, '{}'],
    ['of text beyond ASCII, at a port', credentials, { ...endpoint, secure: false, host: '127.0.0.1:8000' }, '{"S":"größer 😀"}'],
  ])('is that of the SDK: %s', async (_, given, at, body) => {
    const sign = createSigner(
      async () => given,
      region,
      () => atMs,
    );
    const headers = await sign(at, target, body);
    expect(headers['authorization']).toBe(await signedBySdk(given, at, body, new Date(atMs)));
    expect(headers['content-length']).toBe(String(Buffer.byteLength(body)));
    // Again, with the key that is remembered.
    expect((await sign(at, target, body))['authorization']).toBe(headers['authorization']);
  });

  it('goes with credentials and days that change', async () => {
    let [given, nowMs] = [credentials, atMs];
    const sign = createSigner(
      async () => given,
      region,
      () => nowMs,
    );
    await sign(endpoint, target, '{}');
    given = { accessKeyId: 'OTHER', secretAccessKey: 'other' };
    expect((await sign(endpoint, target, '{}'))['authorization']).toBe(await signedBySdk(given, endpoint, '{}', new Date(nowMs)));
    nowMs += 10_000;
    expect((await sign(endpoint, target, '{}'))['authorization']).toBe(await signedBySdk(given, endpoint, '{}', new Date(nowMs)));
  });

  it("bears DynamoDB's time once it was told that its own is wrong", async () => {
    const sign = createSigner(
      async () => credentials,
      region,
      () => atMs,
    );
    sign.correctClock('Sun, 29 Nov 2026 02:00:00 GMT');
    expect((await sign(endpoint, target, '{}'))['x-amz-date']).toBe('20261129T020000Z');
    sign.correctClock('no date');
    sign.correctClock(undefined);
    expect((await sign(endpoint, target, '{}'))['x-amz-date']).toBe('20261129T020000Z');
  });
});
