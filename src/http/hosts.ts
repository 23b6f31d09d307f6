// Which hosts a request may name. A web page whose name its owner lets point at 127.0.0.1 is, to a browser, of one
// origin with a server there, and may read and write it (DNS rebinding); such a request names the page's host.

import { WadiError } from '../record/errors.ts';

const thisMachine = /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(:\d{1,5})?$/i;

export const isThisMachine = (host: string | undefined): boolean => host !== undefined && thisMachine.test(host);

export const hostNotAllowed = (): WadiError =>
  new WadiError('host_not_allowed', 'This server takes requests to localhost, 127.0.0.1 and [::1] only; nothing was done. Send one of them as Host, or start the server with --insecure.');
