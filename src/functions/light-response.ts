// Answers of the application without the `Response` of fetch: to load that takes Node a tenth of a function's start, and
// each one made is slow. Nothing but status, headers and body is asked of it here.

type HeadersInit = Iterable<readonly [string, string]> | Readonly<Record<string, string>>;
type ResponseInit = { readonly status?: number; readonly headers?: HeadersInit };

export class LightHeaders {
  readonly #values = new Map<string, string>();

  constructor(init: HeadersInit = {}) {
    for (const [name, value] of Symbol.iterator in init ? init : Object.entries(init)) this.set(name, value);
  }

  get(name: string): string | null {
    return this.#values.get(name.toLowerCase()) ?? null;
  }

  has(name: string): boolean {
    return this.#values.has(name.toLowerCase());
  }

  set(name: string, value: string): void {
    this.#values.set(name.toLowerCase(), value);
  }

  forEach(visit: (value: string, name: string) => void): void {
    for (const [name, value] of this.#values) visit(value, name);
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.#values.entries();
  }
}

export class LightResponse {
  readonly status: number;
  readonly headers: LightHeaders;
  readonly #body: string | Uint8Array | null;

  constructor(body: string | Uint8Array | null = null, { status = 200, headers = {} }: ResponseInit = {}) {
    this.status = status;
    this.headers = new LightHeaders(headers);
    this.#body = body;
  }

  async arrayBuffer(): Promise<Uint8Array> {
    return Buffer.from(this.#body ?? '');
  }
}
