// What an error of the SDK says, whatever made it: the service, the connection, or the client itself.

export type SdkError = {
  readonly name: string;
  readonly message: string;
  /** 0: no answer came. */
  readonly status: number;
  /** Nothing left this machine. */
  readonly neverSent: boolean;
};

const unsent = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'CredentialsProviderError']);

export function sdkError(error: unknown): SdkError {
  const { name = 'Error', message, code = '', $metadata } = error as { name?: string; message?: string; code?: string; $metadata?: { httpStatusCode?: number } };
  return { name, message: message ?? String(error), status: $metadata?.httpStatusCode ?? 0, neverSent: unsent.has(code) || unsent.has(name) };
}
