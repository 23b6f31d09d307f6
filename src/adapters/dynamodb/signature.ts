// AWS Signature Version 4 for requests of DynamoDB: POST, without a query, and with few headers ("Create a signed AWS API
// request" in the IAM User Guide).

import { createHmac, hash } from 'node:crypto';

export type Endpoint = {
  readonly secure: boolean;
  readonly path: string;
  /** As the Host header says it, with a port where that is not the usual one. */
  readonly host: string;
};

export type Credentials = { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string };

export type Signer = {
  /** The headers of the request, signature and all. */
  (endpoint: Endpoint, target: string, body: string): Promise<Record<string, string>>;
  /** @param date that of an answer: what is signed later bears its time */
  correctClock(date: string | undefined): void;
};

const algorithm = 'AWS4-HMAC-SHA256';

/** @param credentials asked for each request: they are remembered there, and made anew when they expire */
export function createSigner(credentials: () => Promise<Credentials>, region: () => Promise<string>, nowMs: () => number = Date.now): Signer {
  let clockErrorMs = 0;
  /** Of a day: it takes four hashes to make. */
  let signingKey: { readonly of: string; readonly secret: string; readonly pads: Pads } | undefined;

  function keyOf(scope: string, secret: string): Pads {
    if (signingKey?.of !== scope || signingKey.secret !== secret) {
      signingKey = { of: scope, secret, pads: padsOf(scope.split('/').reduce((key: Buffer | string, part) => hmac(key, part), `AWS4${secret}`) as Buffer) };
    }
    return signingKey.pads;
  }

  async function sign({ host, path }: Endpoint, target: string, body: string): Promise<Record<string, string>> {
    const { accessKeyId, secretAccessKey, sessionToken } = await credentials();
    const time = new Date(nowMs() + clockErrorMs).toISOString().replace(/[-:]|\.\d+/g, '');
    const scope = `${time.slice(0, 8)}/${await region()}/dynamodb/aws4_request`;
    const headers: Record<string, string> = {
      'content-type': 'application/x-amz-json-1.0',
      host,
      'x-amz-date': time,
      ...(sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken }),
      'x-amz-target': target,
    };
    const names = Object.keys(headers).join(';');
    const canonical = ['POST', path, '', ...Object.entries(headers).map(([name, value]) => `${name}:${value}`), '', names, sha256(body)].join('\n');
    const signature = hmacOf(keyOf(scope, secretAccessKey), [algorithm, time, scope, sha256(canonical)].join('\n'));
    return {
      ...headers,
      'content-length': String(Buffer.byteLength(body)),
      authorization: `${algorithm} Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
    };
  }

  return Object.assign(sign, {
    correctClock(date: string | undefined) {
      const toldMs = date === undefined ? Number.NaN : Date.parse(date);
      if (!Number.isNaN(toldMs)) clockErrorMs = toldMs - nowMs();
    },
  });
}

/** A key as HMAC uses it (RFC 2104), which is made ready once: Node does so for each call, and that takes six times as long as the hashes. */
type Pads = { readonly inner: Buffer; readonly outer: Buffer };

const blockBytes = 64;

/** @param key at most a block */
function padsOf(key: Buffer): Pads {
  const block = Buffer.alloc(blockBytes);
  key.copy(block);
  return { inner: Buffer.from(block.map((byte) => byte ^ 0x36)), outer: Buffer.from(block.map((byte) => byte ^ 0x5c)) };
}

/** In hexadecimal. */
const hmacOf = ({ inner, outer }: Pads, text: string): string => hash('sha256', Buffer.concat([outer, hash('sha256', Buffer.concat([inner, Buffer.from(text)]), 'buffer')]));

const hmac = (key: Buffer | string, text: string): Buffer => createHmac('sha256', key).update(text).digest();
const sha256 = (text: string): string => hash('sha256', text);
