// GET /v1/docs: the OpenAPI document as a page (Swagger UI) that can send requests. It loads nothing from elsewhere, and
// its Content-Security-Policy would not let it.

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRoute, z } from '@hono/zod-openapi';
import { WadiError } from '../record/errors.ts';
import { answer } from './answer.ts';
import type { Handler } from './api.ts';

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Wadi API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
<div id="docs"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</html>
`;

const start = "SwaggerUIBundle({ url: 'openapi.json', dom_id: '#docs', deepLinking: true, validatorUrl: null });\n";

const policy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const headers = { 'Content-Security-Policy': policy, 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer' };

/** With their types; those without text are Swagger UI's own files. */
const assets: Readonly<Record<string, { readonly type: string; readonly text?: string }>> = {
  'start.js': { type: 'text/javascript', text: start },
  'swagger-ui.css': { type: 'text/css' },
  'swagger-ui-bundle.js': { type: 'text/javascript' },
};
const read = new Map<string, Buffer>();

const text = (description: string, types: readonly string[]) => ({ 200: { description, content: Object.fromEntries(types.map((type) => [type, { schema: z.string() }])) } });

export const docsRoute = createRoute({ method: 'get', path: '/v1/docs', summary: 'The reference as a page that can send requests', responses: text('The page.', ['text/html']) });
export const docsAssetRoute = createRoute({
  method: 'get',
  path: '/v1/docs/{asset}',
  summary: 'What the page is made of',
  request: { params: z.object({ asset: z.enum(Object.keys(assets) as [string, ...string[]]) }) },
  responses: text('A file of the page.', [...new Set(Object.values(assets).map(({ type }) => type))]),
});

export const docs: Handler = (api, context) => answer(api, context, 200, 'text/html; charset=utf-8', page, headers);

export const docsAsset: Handler = (api, context) => {
  const name = context.req.param('asset') ?? '';
  const asset = Object.hasOwn(assets, name) ? assets[name] : undefined;
  if (asset === undefined) throw new WadiError('not_found', `The page has no ${name.slice(0, 100)}.`);
  return answer(api, context, 200, `${asset.type}; charset=utf-8`, asset.text ?? fileOf(name), { ...headers, 'Cache-Control': 'max-age=3600' });
};

function fileOf(name: string): Buffer {
  const known = read.get(name) ?? readFileSync(join(folder(), name));
  read.set(name, known);
  return known;
}

/** In a package the files lie beside the program; in a clone they are a package of their own. */
function folder(): string {
  const packed = fileURLToPath(new URL('../swagger-ui', import.meta.url));
  return existsSync(packed) ? packed : dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
}
