/** A pull on a terminal: one line per layer, drawn in place. */

import type { PullEvent } from '@ctr-ts/sdk';
import type { Io, Screen } from '../io.ts';
import { printable } from '../printable.ts';
import {
  isDone,
  type LayerProgress,
  PullState,
  pullHeading,
  pullSummary,
  retryLine,
  STATE_WORDS,
  shortDigest,
} from './pull-state.ts';
import { formatSize } from './size.ts';
import { cut } from './table.ts';

/** The longest size: `1.23MB`. */
const SIZE_WIDTH = 6;

/** Pause between two drawings. */
const FRAME_MS = 80;

/** Widest and narrowest bar. */
const BAR = { most: 50, least: 10 };

const ESC = '\u001b';

/**
 * Draws a pull. The cursor stands below the last line between any two drawings and nothing of the
 * terminal is changed, so that it needs no clearing up however the process ends.
 */
export class PullScreen {
  readonly #io: Io;
  readonly #state = new PullState();
  /** What stands on the screen and is drawn over the next time. */
  #drawn: string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(io: Io) {
    this.#io = io;
  }

  take(event: PullEvent): void {
    this.#state.take(event);
    if (event.type === 'manifest') this.#say(pullHeading(event.reference));
    else if (event.type === 'retry') this.#say(printable(retryLine(event)));
    else if (event.type === 'layer') this.#later();
    else if (event.type === 'pulled') {
      this.close();
      for (const line of pullSummary(event)) this.#io.note(line);
    }
  }

  /** Draws the last state; what comes after stands below. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    const { screen } = this.#io;
    // Nothing is left out: what does not fit may scroll now.
    if (screen !== undefined) this.#draw(this.#lines(screen, Number.POSITIVE_INFINITY), screen);
    this.#drawn = [];
  }

  /** A line that stays, above the layers. */
  #say(text: string): void {
    const { screen } = this.#io;
    if (screen === undefined) return;
    this.#draw([], screen);
    this.#io.note(text);
    this.#draw(this.#lines(screen, screen.rows - 1), screen);
  }

  #later(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const { screen } = this.#io;
      if (screen !== undefined) this.#draw(this.#lines(screen, screen.rows - 1), screen);
    }, FRAME_MS).unref();
  }

  #draw(lines: string[], { columns }: Screen): void {
    // A terminal that was made narrower has wrapped what stood there.
    const height = this.#drawn.reduce(
      (rows, line) => rows + Math.max(1, Math.ceil(line.length / columns)),
      0,
    );
    const up = height === 0 ? '' : `${ESC}[${height}A\r`;
    const text = lines.map((line) => `${line}${ESC}[K\n`).join('');
    // One write: a terminal that shows it half done would flicker.
    if (up !== '' || text !== '') this.#io.draw(`${up}${text}${ESC}[J`);
    this.#drawn = lines;
  }

  /** At most `most` lines: finished layers give way first, then those that wait. */
  #lines({ columns }: Screen, most: number): string[] {
    const { layers } = this.#state;
    const show = (shown: readonly LayerProgress[]) =>
      shown.map((layer) => layerLine(layer, columns - 1));
    if (layers.length <= most) return show(layers);
    const open = layers.filter((layer) => !isDone(layer));
    const room = Math.max(1, most - 1);
    const rest = `${layers.length - open.length} of ${layers.length} layers complete`;
    const busyFirst = [
      ...open.filter(({ state }) => state !== 'waiting'),
      ...open.filter(({ state }) => state === 'waiting'),
    ];
    return [...show(busyFirst.slice(0, room)), cut(rest, columns - 1)];
  }
}

/** `4abcf2066143: Downloading [====>      ]  1.2MB/3.4MB`, as much of it as fits. */
export function layerLine(layer: LayerProgress, columns: number): string {
  const { digest, state, bytes, size } = layer;
  const text = `${shortDigest(digest)}: ${STATE_WORDS[state]}`;
  const moving = state === 'downloading' && size > 0 && bytes > 0;
  if (!moving) return cut(text, columns);
  const total = formatSize(size);
  const count = `${formatSize(bytes)}/${total}`;
  // As much for one count as for the next, or the bar's end would jump.
  const counted = Math.max(count.length, SIZE_WIDTH + 1 + total.length);
  const width = Math.min(BAR.most, columns - text.length - counted - 5);
  const numbers = cut(`${text}  ${count}`, columns);
  return width < BAR.least ? numbers : `${text} [${bar(bytes / size, width)}]  ${count}`;
}

function bar(share: number, width: number): string {
  const done = Math.min(width, Math.max(0, Math.floor(share * width)));
  const head = done < width ? '>' : '=';
  return `${'='.repeat(Math.max(0, done - 1))}${head}`.padEnd(width);
}
