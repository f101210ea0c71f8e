import { expect, test } from 'vitest';
import { EventQueue } from './event-queue.ts';
import { listOf } from './iterate.test.fixture.ts';

const queue = () => new EventQueue<string>((a, b) => a[0] === b[0]);

test('a reader gets what came before it and what comes after, until the end', async () => {
  const events = queue();
  events.push('a1');
  const read = listOf(events.read());
  await Promise.resolve();
  events.push('b1');
  setImmediate(() => {
    events.push('c1');
    events.end();
  });
  expect(await read).toEqual(['a1', 'b1', 'c1']);
});

test('an unread event gives way to a later one of its kind, in its place', async () => {
  const events = queue();
  for (const event of ['a1', 'b1', 'a2', 'a3']) events.push(event);
  events.end();
  expect(await listOf(events.read())).toEqual(['a3', 'b1']);
});

test('a failure comes after what is unread', async () => {
  const events = queue();
  events.push('a1');
  events.fail(new Error('broken'));
  const seen: string[] = [];
  const read = async () => {
    for await (const event of events.read()) seen.push(event);
  };
  await expect(read()).rejects.toThrow('broken');
  expect(seen).toEqual(['a1']);
});
