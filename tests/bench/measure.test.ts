/** The arithmetic and the turns of a measurement. */
import { expect, test } from 'vitest';
import { measure, type Peer, percentiles } from './measure.ts';

test('percentiles are values that were measured, by nearest rank', () => {
  const samples = Array.from({ length: 10 }, (_, index) => 10 - index);
  expect(percentiles(samples)).toEqual({
    count: 10,
    min: 1,
    p10: 1,
    p50: 5,
    p90: 9,
    p99: 10,
    max: 10,
  });
  expect(percentiles([7])).toMatchObject({ min: 7, p50: 7, p90: 7, max: 7 });
  expect(percentiles([]).p50).toBeNaN();
});

test('peers take turns, and a slow one launches less often', async () => {
  const turns: string[] = [];
  const peer = (name: string, slow: boolean): Peer => ({
    name,
    slow,
    async block(count) {
      turns.push(`${name}${count}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
      return Array.from({ length: count }, () => 1);
    },
    async close() {},
  });
  const schedule = { budgetMs: 60, block: 4, pauseMs: 0 };
  const measured = await measure([peer('a', false), peer('b', true)], schedule);
  expect(turns.slice(0, 5)).toEqual(['a4', 'b2', 'a4', 'a4', 'a4']);
  expect(measured.get('a')?.count).toBe(4 * turns.filter((turn) => turn === 'a4').length);
});
