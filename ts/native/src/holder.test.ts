import { expect, test } from 'vitest';
import { holderFor, subordinateRanges } from './holder.ts';

const user = { uid: 1000, gid: 1001, name: 'ada' };
const helpers = { newuidmap: '/usr/bin/newuidmap', newgidmap: '/usr/bin/newgidmap' };

test('id 0 is the user and the ids above are the subordinate range', () => {
  const holder = holderFor({
    ...user,
    ...helpers,
    subuid: 'bob:100000:65536\nada:165536:65536\n',
    subgid: 'ada:200000:1000\n',
  });
  expect(holder).toEqual({
    uidMap: [
      [0, 1000, 1],
      [1, 165536, 65536],
    ],
    gidMap: [
      [0, 1001, 1],
      [1, 200000, 1000],
    ],
    ...helpers,
  });
});

test('several ranges of a user follow one another', () => {
  const text = 'ada:100000:10\n1000:300000:5\n';
  const holder = holderFor({ ...user, ...helpers, subuid: text, subgid: text });
  expect(holder.uidMap).toEqual([
    [0, 1000, 1],
    [1, 100000, 10],
    [11, 300000, 5],
  ]);
});

test.each([
  ['no helper', { ...user, subuid: 'ada:1:2', subgid: 'ada:1:2' }],
  ['one helper', { ...user, newuidmap: '/x', subuid: 'ada:1:2', subgid: 'ada:1:2' }],
  ['no user range', { ...user, ...helpers, subuid: '', subgid: 'ada:1:2' }],
  ['no group range', { ...user, ...helpers, subuid: 'ada:1:2', subgid: 'bob:1:2' }],
])('with %s there is a single id', (_, machine) => {
  expect(holderFor(machine)).toEqual({ uidMap: [[0, 1000, 1]], gidMap: [[0, 1001, 1]] });
});

test('a user without a name has the ranges of the number', () => {
  const text = 'undefined:1:2\n:3:4\n1000:5:6\n';
  expect(subordinateRanges(text, { uid: 1000 })).toEqual([{ start: 5, count: 6 }]);
});

test.each(['ada', 'ada:', 'ada:1', 'ada:1:0', 'ada:x:1', 'ada:1:-1', 'ada:1:2:3', 'ada:0:1'])(
  'the line %j is passed over',
  (line) => {
    expect(subordinateRanges(`${line}\nada:7:8`, user)).toEqual([{ start: 7, count: 8 }]);
  },
);

test('a range that leaves the 32 bits of an id is passed over', () => {
  expect(subordinateRanges('ada:4294967290:10\nada:99999999999:1', user)).toEqual([]);
  expect(subordinateRanges('ada:4294967290:5', user)).toHaveLength(1);
});
