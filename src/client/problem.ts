// What can go wrong between a client and a server.

/** An answer of the server that is an error: a problem document (RFC 9457). */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly status: number;
  readonly code: string;
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
  /** What the request left behind: `none` is a promise. */
  readonly sideEffects: 'none' | 'some' | 'unknown';
  readonly facts: Readonly<Record<string, unknown>>;
  /** When the server would like to be asked again. */
  readonly retryAfterMs: number | undefined;

  constructor(document: Readonly<Record<string, unknown>>, retryAfterMs?: number) {
    super(String(document['detail'] ?? document['title'] ?? document['code'] ?? 'an error without a description'));
    this.status = Number(document['status'] ?? 500);
    this.code = String(document['code'] ?? 'unknown');
    this.retryable = document['retryable'] === true;
    const effects = document['sideEffects'];
    this.sideEffects = effects === 'none' || effects === 'some' ? effects : 'unknown';
    this.facts = document;
    this.retryAfterMs = retryAfterMs;
  }
}

/** No answer, or not all of it: the server cannot be reached, or the connection broke off. */
export class ConnectionFailed extends Error {
  override readonly name = 'ConnectionFailed';
  /** There never was a connection, so nothing was sent. */
  readonly beforeConnecting: boolean;

  constructor(message: string, beforeConnecting: boolean, cause: unknown) {
    super(message, { cause });
    this.beforeConnecting = beforeConnecting;
  }
}

/** Of the system and of OpenSSL, for connections that did not come about. */
const connecting = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|ERR_TLS_\w+|CERT_\w+|\w*SELF_SIGNED\w*|UNABLE_TO_\w+)$/;

/** What fetch threw, with the reason that it hides in its cause. */
export function connectionFailed(url: string, error: unknown): ConnectionFailed {
  const cause = (error as { cause?: { code?: string; message?: string } }).cause;
  const reason = cause?.code ?? cause?.message ?? (error instanceof Error ? error.message : String(error));
  return new ConnectionFailed(`${url}: ${reason === '' ? 'the connection broke off' : reason}`, connecting.test(cause?.code ?? ''), error);
}

/** The problem that an answer is, or one made of its status where it is none. */
export async function problemOf(response: Response): Promise<Problem> {
  const text = await response.text().catch(() => '');
  const after = Number(response.headers.get('retry-after') ?? Number.NaN);
  const retryAfterMs = Number.isFinite(after) ? after * 1000 : undefined;
  const document = parsed(text);
  if (typeof document['code'] === 'string') return new Problem(document, retryAfterMs);
  // What stands before the application, such as Lambda that takes no unsigned request or is at its limit, refuses before anything is done.
  const refused = [401, 403, 429].includes(response.status) ? { retryable: response.status === 429, sideEffects: 'none' } : {};
  return new Problem({ ...refused, status: response.status, code: 'not_wadi', detail: `HTTP ${response.status}, and no answer of Wadi: ${text.slice(0, 200)}` }, retryAfterMs);
}

function parsed(text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text)) as Record<string, unknown>;
  } catch {
    return {};
  }
}
