import { sdkError } from './sdk-error.ts';

/** Reads may be sent again, which changes nothing: one that got no answer, as when a connection that was idle is closed, is sent once more. */
export async function askAgain<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (sdkError(error).status > 0) throw error;
    return ask();
  }
}
