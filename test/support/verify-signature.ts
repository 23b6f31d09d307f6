// The check of a request's AWS Signature Version 4 as the IAM User Guide describes it ("Create a signed AWS API request"),
// written from there for tests, and deliberately not by the SDK's signer: an error there must not hide here.

import { createHash, createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export type Received = { readonly method: string; readonly url: string; readonly headers: IncomingHttpHeaders; readonly body: Buffer };
export type Keys = { readonly accessKeyId: string; readonly secretAccessKey: string; readonly region: string; readonly service: string };

const mostSkewMs = 5 * 60_000;
const mustBeSigned = ['host', 'x-amz-date', 'x-amz-content-sha256'];

/** Why it is refused; undefined: it is good. */
export function refusalOf({ method, url, headers, body }: Received, { accessKeyId, secretAccessKey, region, service }: Keys, nowMs = Date.now()): string | undefined {
  const [, credential, names = '', signature] = /^AWS4-HMAC-SHA256 Credential=([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(headers.authorization ?? '') ?? [];
  if (credential === undefined) return 'it is not signed';
  const time = String(headers['x-amz-date']);
  const atMs = Date.parse(time.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (!(Math.abs(nowMs - atMs) <= mostSkewMs)) return 'it is signed at another time';
  const day = time.slice(0, 8);
  const scope = `${day}/${region}/${service}/aws4_request`;
  if (credential !== `${accessKeyId}/${scope}`) return `it is signed for ${credential}`;
  const signed = names.split(';');
  const missing =
    mustBeSigned.find((name) => !signed.includes(name)) ?? (headers['x-amz-security-token'] === undefined || signed.includes('x-amz-security-token') ? undefined : 'x-amz-security-token');
  if (missing !== undefined) return `${missing} is not signed`;
  if (headers['x-amz-content-sha256'] !== sha256(body)) return 'the body is not what was signed';
  const [path = '', query = ''] = url.split('?');
  const canonical = [
    method,
    path.split('/').map(encode).join('/'),
    query
      .split('&')
      .filter((part) => part !== '')
      .map((part) => part.split('=').map((side) => encode(decodeURIComponent(side.replaceAll('+', ' ')))))
      .map(([name, value = '']) => `${name}=${value}`)
      .sort()
      .join('&'),
    ...signed.map((name) => `${name}:${String(headers[name]).trim().replaceAll(/ +/g, ' ')}`),
    '',
    names,
    sha256(body),
  ].join('\n');
  const key = ['aws4_request', service, region, day].reduceRight((secret: Buffer | string, part) => hmac(secret, part), `AWS4${secretAccessKey}`);
  const expected = hmac(key, ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n')).toString('hex');
  return signature === expected ? undefined : 'the signature is another';
}

const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');
const hmac = (key: Buffer | string, text: string): Buffer => createHmac('sha256', key).update(text).digest();
/** As RFC 3986 has it: all but letters, digits and -._~ */
const encode = (text: string): string => encodeURIComponent(text).replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
