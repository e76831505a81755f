/** What is written in pictures of networks: no text meets another, leaves its box, or leaves the picture. */
import { describe, expect, it } from 'vitest';
import { type PresetName, preset, presetNames } from '../../src/models/presets.ts';
import type { SchemeInput } from '../../src/models/schemeOption.ts';
import { drawNetwork } from '../../src/picture/network.ts';
import { textWidth } from './textWidth.ts';

interface Area {
  readonly name: string;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

const attributes = (tag: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...tag.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, key = '', value = '']) => [key, value]),
  );

const resolved = (content: string): string =>
  content.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&');

/** From the height of small letters to the line. */
function textsOf(svg: string): Area[] {
  return [...svg.matchAll(/<text([^>]*)>([^<]*)</g)].flatMap(([, tag = '', content = '']) => {
    const name = resolved(content);
    if (name.trim() === '') return [];
    const at = attributes(tag);
    const [x, y, size] = [Number(at.x), Number(at.y), Number(at['font-size'])];
    const width = textWidth(name, size, at['font-weight'] !== undefined);
    const part = { start: 0, middle: 0.5, end: 1 }[at['text-anchor'] ?? 'start'] ?? 0;
    const left = x - part * width;
    return [{ name, left, right: left + width, top: y - 0.7 * size, bottom: y }];
  });
}

/** The boxes of operations and the grounds of labels: not the panels and the page. */
function boxesOf(svg: string): Area[] {
  return [...svg.matchAll(/<rect([^>]*)\/>/g)].flatMap(([, tag = '']) => {
    const at = attributes(tag);
    const [left, top] = [Number(at.x ?? 0), Number(at.y ?? 0)];
    const [width, height] = [Number(at.width), Number(at.height)];
    if (height > 42) return [];
    return [{ name: 'box', left, top, right: left + width, bottom: top + height }];
  });
}

const meet = (a: Area, b: Area): boolean =>
  a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
/** A pixel of tolerance: a text is not wider than its advances by more. */
const within = (a: Area, b: Area): boolean =>
  a.left >= b.left - 1 && a.right <= b.right + 1 && a.top >= b.top - 1 && a.bottom <= b.bottom + 1;

/** Collisions in words. */
function collisions(svg: string): string[] {
  const [texts, boxes] = [textsOf(svg), boxesOf(svg)];
  const width = Number(/<svg[^>]* width="(\d+)/.exec(svg)?.[1]);
  expect(texts.length).toBeGreaterThan(10);
  expect(boxes.length).toBeGreaterThan(3);
  return texts.flatMap((a, i) => {
    const others = texts.slice(i + 1).filter((b) => meet(a, b));
    const crossed = boxes.filter((b) => meet(a, b) && !within(a, b));
    const outside = a.left < 0 || a.right > width;
    return [
      ...others.map((b) => `"${a.name}" meets "${b.name}"`),
      ...crossed.map((b) => `"${a.name}" crosses the box at ${b.left}, ${b.top}`),
      ...(outside ? [`"${a.name}" leaves the picture`] : []),
    ];
  });
}

describe('the labels of a picture', () => {
  it.each(presetNames)('have room: %s', (name) => {
    expect(collisions(drawNetwork(preset(name)))).toEqual([]);
  });

  const schemes: readonly SchemeInput[] = [
    'leapfrog',
    'midpoint',
    'momentum',
    'adamsBashforth2',
    'threeStep',
  ];
  const more: readonly SchemeInput[] = ['poly', 'mpoly', 'heun', 'rk4'];
  const nets: readonly PresetName[] = ['preact_resnet110', 'preact_resnet50'];
  const pairs = nets.flatMap((net) => [...schemes, ...more].map((scheme) => [net, scheme] as const));
  it.each(pairs)('have room: %s with %s', (net, scheme) => {
    expect(collisions(drawNetwork(preset(net, { scheme } as object)))).toEqual([]);
  });
});
