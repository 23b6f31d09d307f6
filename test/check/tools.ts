// Where the development tools are.
import { fileURLToPath } from 'node:url';

export const bin = (name: string): string => fileURLToPath(new URL(`../../node_modules/.bin/${name}`, import.meta.url));
