/** Events that wait for a reader, in order; an event may take the place of an unread one. */

/** A queue with one end: it ends, or it fails. */
export class EventQueue<Event> {
  readonly #replaces: (earlier: Event, later: Event) => boolean;
  readonly #unread: Event[] = [];
  #ended: { error?: unknown } | undefined;
  #wake: (() => void) | undefined;

  /** `replaces`: whether a later event says all that an unread earlier one did. */
  constructor(replaces: (earlier: Event, later: Event) => boolean) {
    this.#replaces = replaces;
  }

  push(event: Event): void {
    const place = this.#unread.findLastIndex((earlier) => this.#replaces(earlier, event));
    // In the earlier one's place: of any two events that stay, the order is as it was.
    if (place < 0) this.#unread.push(event);
    else this.#unread[place] = event;
    this.#wake?.();
  }

  end(): void {
    this.#ended = {};
    this.#wake?.();
  }

  /** The reader gets what is unread, then throws this. */
  fail(error: unknown): void {
    this.#ended = { error };
    this.#wake?.();
  }

  /** Takes events as they come, until the end. */
  async *read(): AsyncGenerator<Event, void, undefined> {
    for (;;) {
      const event = this.#unread.shift();
      if (event !== undefined) {
        yield event;
      } else if (this.#ended !== undefined) {
        if ('error' in this.#ended) throw this.#ended.error;
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
