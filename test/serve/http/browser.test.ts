/** The page and the client in a real Chromium. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fastify } from 'fastify';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fastifyClassifier } from '../../../src/serve/http/plugin.ts';
import { chromium, opened, type Page } from '../../support/browser.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { dist } from '../../support/libtorch.ts';
import { noisePng, openedTiny, served } from '../support.ts';

const text = (id: string): string => `document.getElementById('${id}').textContent`;
const isGuessed = `document.querySelectorAll('#guesses li').length > 0`;
const isAlert = `!document.getElementById('error').hidden`;

/** Contrast of the text of an element with what is behind it, as WCAG 2 defines it. */
const contrast = (selector: string): string => `(() => {
  const level = (c) => { const s = c / 255; return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4; };
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgb = (color) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = ([r, g, b]) => 0.2126 * level(r) + 0.7152 * level(g) + 0.0722 * level(b);
  const element = document.querySelector('${selector}');
  let behind = element;
  while (behind && rgb(getComputedStyle(behind).backgroundColor)[3] < 255) behind = behind.parentElement;
  const back = behind ? rgb(getComputedStyle(behind).backgroundColor) : rgb('Canvas');
  const [a, b] = [light(rgb(getComputedStyle(element).color)), light(back)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
})()`;

async function asDark(page: Page, scheme: 'dark' | 'light'): Promise<void> {
  const features = [{ name: 'prefers-color-scheme', value: scheme }];
  await page.send('Emulation.setEmulatedMedia', { features });
}

describe.skipIf(chromium === undefined)('the page in Chromium', () => {
  it('is used from the keyboard: the field of the file is first, and shows that it has the focus', async () => {
    const { url, classifier } = await served();
    const page = await opened(url);
    await page.press('Tab');
    expect(await page.value('document.activeElement.id')).toBe('file');
    expect(await page.value("document.activeElement.matches(':focus-visible')")).toBe(true);
    expect(
      await page.value(
        "(() => { const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement); return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1; })()",
      ),
    ).toBe(true);
    const picture = await noisePng(3);
    await page.choose('file', picture);
    await page.until(isGuessed);
    const { label, top } = await classifier.classify(picture);
    expect(await page.value(text('state'))).toBe(`It looks like ${label}.`);
    const rows = await page.value<string[][]>(
      "[...document.querySelectorAll('#guesses li')].map((row) => [row.children[0].textContent, row.children[1].textContent, row.querySelector('.bar').style.width])",
    );
    expect(rows.map(([name]) => name)).toEqual(top.map((guess) => guess.label));
    for (const [i, [, part, width = '']] of rows.entries()) {
      const percent = 100 * (top[i]?.probability ?? Number.NaN);
      expect(part).toBe(`${percent.toFixed(1)} %`);
      expect(Number.parseFloat(width)).toBeCloseTo(percent, 3);
    }
    await page.shoot('light');
    expect(page.complaints).toEqual([]);
  });

  it('asks for the key, takes it with Enter, and then classifies what was chosen', async () => {
    const { url } = await served({ apiKey: 'secret' });
    const page = await opened(url);
    await page.until("document.activeElement.id === 'secret'");
    await page.choose('file', await noisePng(3));
    await page.until(isAlert);
    await page.shoot('key');
    expect(await page.value(text('error'))).toBe('The service asks for an API key.');
    await page.until("document.activeElement.id === 'secret'");
    await page.send('Input.insertText', { text: 'secre' });
    await page.press('Enter');
    await page.until(`${text('error')} === 'This is not the key of the service.'`);
    await page.until("document.activeElement.id === 'secret'");
    await page.send('Input.insertText', { text: 't' });
    await page.press('Enter');
    await page.until(isGuessed);
    expect(await page.value("document.getElementById('key').hidden")).toBe(true);
    expect(await page.value(isAlert)).toBe(false);
    expect(await page.value(text('name'))).toBe('tiny');
  });

  it('takes a picture that is dropped anywhere, and one that is pasted', async () => {
    const { url } = await served();
    const page = await opened(url);
    const data = { items: [], files: [await noisePng(4)], dragOperationsMask: 1 };
    for (const type of ['dragEnter', 'dragOver', 'drop'])
      await page.send('Input.dispatchDragEvent', { type, x: 500, y: 600, data });
    await page.until(isGuessed);
    expect(await page.value("document.getElementById('drop').classList.contains('over')")).toBe(false);
    expect(await page.value('location.pathname')).toBe('/'); // not opened in place of the page
    const first = await page.value(text('guesses'));
    const base64 = (await readFile(await noisePng(9))).toString('base64');
    await page.value(`(() => {
      const bytes = Uint8Array.from(atob('${base64}'), (c) => c.charCodeAt(0));
      const transfer = new DataTransfer();
      transfer.items.add(new File([bytes], 'x.png', { type: 'image/png' }));
      document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: transfer }));
    })()`);
    await page.until(`${isGuessed} && ${text('guesses')} !== ${JSON.stringify(first)}`);
    expect(page.complaints).toEqual([]);
  });

  it('says what is wrong with a file, as an alert, and goes on', async () => {
    const { url } = await served();
    const page = await opened(url);
    const bad = join(await temporaryFolder(), '<b>no picture.png');
    await writeFile(bad, 'no picture');
    await page.choose('file', bad);
    await page.until(isAlert);
    expect(await page.value(text('error'))).toContain('Expected an image');
    expect(await page.value("document.querySelectorAll('b').length")).toBe(0);
    expect(await page.value(isGuessed)).toBe(false);
    await page.shoot('error');
    await page.choose('file', await noisePng(1));
    await page.until(isGuessed);
    expect(await page.value(isAlert)).toBe(false);
  });

  it.each(['light', 'dark'] as const)('can be read in %s', async (scheme) => {
    const { url } = await served();
    const page = await opened(url);
    await asDark(page, scheme);
    await page.choose('file', await noisePng(3));
    await page.until(isGuessed);
    for (const selector of ['h1', '#facts', 'label', '#state', '#guesses li span'])
      expect(await page.value<number>(contrast(selector)), selector).toBeGreaterThanOrEqual(4.5);
    const isDark = await page.value<boolean>(
      "getComputedStyle(document.documentElement).colorScheme.includes('dark') && matchMedia('(prefers-color-scheme: dark)').matches",
    );
    expect(isDark).toBe(scheme === 'dark');
    await page.shoot(scheme);
    await page.choose('file', join(dist, 'index.js'));
    await page.until(isAlert);
    expect(await page.value<number>(contrast('#error'))).toBeGreaterThanOrEqual(4.5);
  });

  it.each([320, 390])('fits on a phone of %i pixels, whatever the classes are called', async (width) => {
    const { url } = await served({}, await openedTiny());
    const page = await opened(url, width);
    await page.choose('file', await noisePng(3));
    await page.until(isGuessed);
    await page.value(
      `document.querySelectorAll('#guesses li span')[0].textContent = '${'Rindfleischetikettierungsgesetz'.repeat(3)}'`,
    );
    expect(await page.value<number>('document.scrollingElement.scrollWidth')).toBeLessThanOrEqual(width);
    const size = await page.value<number>("document.getElementById('file').getBoundingClientRect().height");
    expect(size).toBeGreaterThanOrEqual(24); // WCAG 2.2, target size
    await page.shoot(`phone-${width}`);
  });
});

describe.skipIf(chromium === undefined)('the client in Chromium', () => {
  it('is loaded by a page as it is, and classifies', async () => {
    const app = fastify();
    onTestFinished(async () => {
      await app.close();
    });
    app.get('/', async (_request, reply) =>
      reply.type('text/html').send('<!doctype html><link rel="icon" href="data:,">'),
    );
    app.get<{ Params: { readonly name: string } }>('/client/:name', async ({ params: { name } }, reply) =>
      reply.type('text/javascript').send(await readFile(join(dist, 'client', name))),
    );
    const classifier = await openedTiny();
    await app.register(fastifyClassifier, { prefix: '/digits', classifier, apiKey: 'secret' });
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    const page = await opened(url);
    const picture = await noisePng(6);
    const base64 = (await readFile(picture)).toString('base64');
    const answer = await page.value(`(async () => {
      const { createClient, ServiceError } = await import('/client/client.js');
      const bytes = Uint8Array.from(atob('${base64}'), (c) => c.charCodeAt(0));
      const url = location.origin + '/digits';
      const client = createClient({ url, apiKey: 'secret' });
      const one = await client.classify(new File([bytes], 'x.png'), { topK: 1 });
      const two = await client.classify([bytes, new Blob([bytes])], { topK: 1 });
      const refused = await createClient({ url }).model().catch((error) => error);
      return [one.label, two.map(({ label }) => label), refused instanceof ServiceError && refused.code];
    })()`);
    const { label } = await classifier.classify(picture);
    expect(answer).toEqual([label, [label, label], 'ERR_UNAUTHORIZED']);
  });
});
