// Makes of each function of src/functions, and of the server as a web function, one file for Lambda, the same for every
// processor and without what a function never uses: it is held to 1 MB, and starts sooner.
// `node scripts/bundle-functions.ts [folder]` does so by hand; the stack does by itself (cdk/bin/wadi.ts).

import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

const entries = {
  produce: { entry: 'src/functions/produce.ts', file: 'index.cjs' },
  fetch: { entry: 'src/functions/fetch.ts', file: 'index.cjs' },
  compactor: { entry: 'src/functions/compactor.ts', file: 'index.cjs' },
  // The name that a web function starts with; it waits for its home before it listens, which takes a module.
  web: { entry: 'src/server/web-function.ts', file: 'index.mjs' },
} as const;
export type FunctionName = keyof typeof entries;

/** What stands in for a module of a library, by how it is imported. */
const substitutes: readonly { readonly imported: RegExp; readonly contents: string }[] = [
  // The SDK loads Node's own client anyway.
  { imported: /^undici$/, contents: "export { Pool } from './src/functions/node-pool.ts';" },
  // The schemas speak English, are not made of JSON Schema, and are not compiled.
  { imported: /[./]locales\/index\.js$/, contents: "export { default as en } from 'zod/v4/locales/en.js';" },
  { imported: /[./]from-json-schema\.js$/, contents: 'export const fromJSONSchema = undefined;' },
  {
    imported: /^\.\/compile\.js$/,
    contents: 'export const INVALID = undefined, compile = undefined, withParser = undefined, ZodCompileAsyncError = undefined, ZodCompileUnsupportedError = undefined;',
  },
  // A native module is one for each processor; a module of WebAssembly takes 10 ms of each start.
  { imported: /^@node-rs\/crc32$/, contents: "import { buf } from 'crc-32/crc32c.js'; export const crc32c = (bytes) => buf(bytes) >>> 0;" },
  // Of S3 nothing is asked that answers with events.
  { imported: /^@smithy\/core\/event-streams$/, contents: 'export const EventStreamSerde = undefined, eventStreamSerdeProvider = undefined, resolveEventStreamSerdeConfig = (config) => config;' },
  // Lambda gives credentials in variables.
  { imported: /^@aws-sdk\/credential-provider-node$/, contents: "export { fromEnv as defaultProvider } from '@aws-sdk/credential-provider-env';" },
];

const slim: Plugin = {
  name: 'slim',
  setup({ onResolve, onLoad }) {
    for (const [index, { imported }] of substitutes.entries()) onResolve({ filter: imported }, () => ({ path: String(index), namespace: 'slim', sideEffects: false }));
    onLoad({ filter: /.*/, namespace: 'slim' }, ({ path }) => ({ contents: substitutes[Number(path)]?.contents ?? '', resolveDir: root }));
  },
};

/** One module and all it imports, as one file: CommonJS, or a module where the file's name says so. */
export async function bundle(entry: string, outfile: string, plugins: Plugin[] = []): Promise<void> {
  const esm = outfile.endsWith('.mjs');
  await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node24',
    // A module that imports node:http has Node load its fetch, too: a fifth of the time to start.
    format: esm ? 'esm' : 'cjs',
    ...(esm ? { banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" } } : { define: { 'import.meta.url': '""' } }),
    mainFields: ['module', 'main'],
    legalComments: 'none',
    logLevel: 'warning',
    plugins,
  });
}

/** Each into a folder of its name. Answers the files. */
export async function bundleFunctions(folder: string): Promise<Readonly<Record<FunctionName, string>>> {
  const files: Record<string, string> = {};
  for (const [name, { entry, file }] of Object.entries(entries)) {
    rmSync(join(folder, name), { recursive: true, force: true });
    files[name] = join(folder, name, file);
    await bundle(entry, join(folder, name, file), [slim]);
  }
  return files as Record<FunctionName, string>;
}

if (import.meta.main) {
  for (const file of Object.values(await bundleFunctions(process.argv[2] ?? join(root, 'build', 'functions')))) console.log(`${file}  ${Math.ceil(statSync(file).size / 1000)} kB`);
}
