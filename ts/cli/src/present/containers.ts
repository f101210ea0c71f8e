/** Lists of containers, with docker's columns. */

import type { ContainerInfo } from '@ctr-ts/sdk';
import { cut, table } from './table.ts';

/** How a list is laid out. */
export interface ListLayout {
  /** Do not shorten ids and commands. */
  whole: boolean;
  /** Milliseconds since 1970. */
  now: number;
}

const HEADING = ['CONTAINER ID', 'IMAGE', 'COMMAND', 'CREATED', 'STATUS', 'NAME'] as const;
const COMMAND_WIDTH = 24;

const DAY = 86_400;
const WEEK = 7 * DAY;
const MONTH = 30 * DAY;
const YEAR = 365 * DAY;

/** Newest first, as docker. */
export function presentContainers(
  containers: readonly ContainerInfo[],
  layout: ListLayout,
): string {
  const newestFirst = [...containers].sort(
    (a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt),
  );
  return table(
    HEADING,
    newestFirst.map((container) => row(container, layout)),
  );
}

/** The part of an id that people type. */
export function shortId(id: string): string {
  return id.slice(0, 12);
}

/** A length of time in its largest unit: `5 seconds`, `2 hours`. */
export function roughDuration(durationMs: number): string {
  const seconds = Math.max(0, Math.floor(durationMs / 1000));
  const units: [string, number][] = [
    ['year', YEAR],
    ['month', MONTH],
    ['week', WEEK],
    ['day', DAY],
    ['hour', 3_600],
    ['minute', 60],
    ['second', 1],
  ];
  // As docker: up to two weeks are days, up to two months weeks, up to two years months.
  const fits = ([, size]: [string, number]) => seconds >= (size > DAY ? 2 * size : size);
  const [name, length] = units.find(fits) ?? ['second', 1];
  const count = Math.floor(seconds / length);
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}

function row(container: ContainerInfo, { whole, now }: ListLayout): string[] {
  const { id, image, command, createdAt, name } = container;
  const words = command.length === 0 ? '' : JSON.stringify(command.join(' '));
  return [
    whole ? id : shortId(id),
    image,
    whole ? words : cut(words, COMMAND_WIDTH),
    Date.parse(createdAt) === 0 ? 'unknown' : `${since(createdAt, now)} ago`,
    statusText(container, now),
    name ?? '',
  ];
}

function statusText({ status, createdAt, exit }: ContainerInfo, now: number): string {
  if (status === 'running') return `Up ${since(createdAt, now)}`;
  if (status !== 'stopped' || exit === null) return capitalized(status);
  const how = exit.signal ?? String(exit.exitCode);
  const oom = exit.oomKilled ? ', out of memory' : '';
  return `Exited (${how}${oom}) ${since(exit.finishedAt, now)} ago`;
}

function since(time: string, now: number): string {
  return roughDuration(now - Date.parse(time));
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
