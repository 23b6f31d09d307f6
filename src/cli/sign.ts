// Requests signed for functions on AWS whose URLs ask for it (AWS Signature Version 4).

import { createHash, createHmac } from 'node:crypto';
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { SignatureV4 } from '@smithy/signature-v4';
import type { UnsignedRequest } from '../client/client.ts';
import { Usage } from './command.ts';

/** Hashes of Node in the form that the signer takes. */
export class Sha256 {
  readonly hash;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.hash = secret === undefined ? createHash('sha256') : createHmac('sha256', typeof secret === 'string' ? secret : Buffer.from(secret as Uint8Array));
  }
  update(data: string | Uint8Array): void {
    this.hash.update(data);
  }
  async digest(): Promise<Uint8Array> {
    return new Uint8Array(this.hash.digest());
  }
  reset(): void {}
}

/**
 * Credentials are found as the AWS command line finds them; the region stands in the address of a function.
 * @throws Usage where neither the address nor AWS_REGION tells the region
 */
export function createSigner(url: string, env: Readonly<Record<string, string | undefined>>): (request: UnsignedRequest) => Promise<Record<string, string>> {
  const region = /\.lambda-url\.([a-z0-9-]+)\./.exec(new URL(url).hostname)?.[1] || env['AWS_REGION'] || env['AWS_DEFAULT_REGION'];
  if (!region) throw new Usage(`The address ${url} does not tell its region, which a signature needs: set AWS_REGION.`);
  const credentials = defaultProvider();
  const signer = new SignatureV4({
    credentials: () =>
      credentials().catch((error: Error) => {
        throw new Usage(
          `No credentials to sign with were found (${error.message}). They are looked for as the AWS command line does: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in.`,
        );
      }),
    region,
    service: 'lambda',
    sha256: Sha256,
  });
  return async ({ method, url: whole, headers, body }) => {
    const { protocol, hostname, host, port, pathname, searchParams } = new URL(whole);
    const query: Record<string, string[]> = {};
    for (const [name, value] of searchParams) query[name] = [...(query[name] ?? []), value];
    const signed = await signer.sign({
      method,
      protocol,
      hostname,
      ...(port === '' ? {} : { port: Number(port) }),
      path: pathname,
      query,
      headers: { ...headers, host },
      ...(body === undefined ? {} : { body }),
    });
    // Whoever sends the request sets it.
    const { host: _, ...rest } = signed.headers;
    return rest;
  };
}
