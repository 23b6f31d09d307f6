// The reference page is whole, and loads nothing from elsewhere.

import { expect, it } from 'vitest';
import { contract, expectProblem } from './client.ts';

contract('the reference page', ({ get, lambda }) => {
  it.runIf(lambda)('is not there in functions, which say where it is', async () => {
    for (const path of ['/v1/docs', '/v1/docs/start.js']) expectProblem(await get(path), 404, 'not_found');
    expect((await get('/v1/openapi.json')).json.openapi).toBe('3.1.0');
  });

  it.skipIf(lambda)('comes with all its parts, from here alone', async () => {
    const page = await get('/v1/docs');
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const parts = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, place]) => place as string).filter((place) => place !== 'data:,');
    expect(parts).toHaveLength(3);
    for (const part of parts) {
      const { status, text } = await get(new URL(part, 'http://here/v1/docs').pathname);
      expect([part, status, text.length > 50]).toEqual([part, 200, true]);
    }
  });

  it.skipIf(lambda)('is forbidden to load from elsewhere, to be framed, and to run what it did not come with', async () => {
    for (const path of ['/v1/docs', '/v1/docs/start.js']) {
      const policy = (await get(path)).headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("script-src 'self';");
      expect(policy).toContain("connect-src 'self'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/https?:|\*/);
    }
  });

  it.skipIf(lambda)('asks for the document where it is', async () => {
    expect((await get('/v1/docs/start.js')).text).toContain("url: 'openapi.json'");
    expect((await get('/v1/openapi.json')).json.openapi).toBe('3.1.0');
  });

  it.each(['package.json', '..%2f..%2fpackage.json', '__proto__', 'swagger-ui.js'])('gives nothing else away: %s', async (name) => {
    expectProblem(await get(`/v1/docs/${name}`), 404, 'not_found');
  });
});
