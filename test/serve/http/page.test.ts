import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { served } from '../support.ts';

describe('GET /', () => {
  it('is a page that needs no key, and may run its own script and style alone', async () => {
    const { url } = await served({ apiKey: 'secret' });
    const response = await fetch(url);
    const html = await response.text();
    expect([response.status, response.headers.get('content-type')]).toEqual([
      200,
      'text/html; charset=utf-8',
    ]);
    const policy = response.headers.get('content-security-policy') ?? '';
    const hash = (text = ''): string => createHash('sha256').update(text).digest('base64');
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain(`script-src 'sha256-${hash(/<script>([\s\S]*)<\/script>/.exec(html)?.[1])}'`);
    expect(policy).toContain(`style-src 'sha256-${hash(/<style>([\s\S]*)<\/style>/.exec(html)?.[1])}'`);
    expect(html).not.toMatch(/https?:\/\/|innerHTML| on\w+=/);
  });

  it('has a label for every field, and tells what changes', async () => {
    const { url } = await served();
    const html = await (await fetch(url)).text();
    const ids = [...html.matchAll(/<input [^>]*id="(\w+)"/g)].map(([, id]) => id);
    expect(ids).toEqual(['file', 'secret']);
    for (const id of ids) expect(html).toContain(`<label for="${id}">`);
    expect(html).toContain('aria-live="polite"');
    expect(html).toContain('role="alert"');
  });
});
