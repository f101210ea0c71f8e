/** The keys that leave a container running: docker's way to write them, and finding them in input. */

import { CtrError } from '@ctr-ts/sdk';

const DEFAULT_DETACH_KEYS = 'ctrl-p,ctrl-q';

/** `ctrl-` and one of these is the character's place in this string, as in caret notation. */
const CONTROLS = '@abcdefghijklmnopqrstuvwxyz[\\]^_';

const DELETE = 127;

/**
 * The bytes of a key sequence: single characters, `ctrl-X` and `DEL`, with commas between. As in
 * docker, an empty one is the default.
 *
 * @throws CtrError `INVALID_VALUE`
 */
export function parseDetachKeys(given: string | undefined): Uint8Array {
  const text = given || DEFAULT_DETACH_KEYS;
  return Uint8Array.from(text.split(','), (key) => {
    const byte = keyByte(key);
    if (byte !== undefined) return byte;
    throw new CtrError('INVALID_VALUE', `unknown key ${JSON.stringify(key)} in ${text}`, {
      hint: 'write characters or ctrl-X with commas between: --detach-keys ctrl-p,ctrl-q',
    });
  });
}

function keyByte(key: string): number | undefined {
  if (key === 'DEL') return DELETE;
  const [, letter] = /^ctrl-(.)$/.exec(key) ?? [];
  if (letter !== undefined) {
    const place = CONTROLS.indexOf(letter);
    return place < 0 ? undefined : place;
  }
  const code = key.charCodeAt(0);
  return key.length === 1 && code < 128 ? code : undefined;
}

/** Finds a key sequence in what is typed, however it is cut into chunks. */
export class DetachKeys {
  readonly #keys: Uint8Array;
  /** How many keys of the sequence the input ends with; they are held back. */
  #held = 0;

  constructor(keys: Uint8Array) {
    this.#keys = keys;
  }

  /**
   * Takes what was typed. `pass` is what is not of the sequence: keys held back before are passed
   * on when another key than theirs follows. Input after a whole sequence is nobody's.
   */
  take(typed: Uint8Array): { pass: Buffer; complete: boolean } {
    const pass: number[] = [];
    for (const byte of typed) {
      while (this.#held > 0 && byte !== this.#keys[this.#held]) {
        const kept = this.#overlap();
        pass.push(...this.#keys.subarray(0, this.#held - kept));
        this.#held = kept;
      }
      if (byte !== this.#keys[this.#held]) pass.push(byte);
      else this.#held += 1;
      if (this.#held === this.#keys.length) {
        this.#held = 0;
        return { pass: Buffer.from(pass), complete: true };
      }
    }
    return { pass: Buffer.from(pass), complete: false };
  }

  /** The longest beginning of the sequence that what is held back ends with, but all of it. */
  #overlap(): number {
    const held = this.#keys.subarray(0, this.#held);
    for (let size = this.#held - 1; size > 0; size -= 1) {
      const tail = held.subarray(this.#held - size);
      if (tail.every((key, index) => key === held[index])) return size;
    }
    return 0;
  }
}
