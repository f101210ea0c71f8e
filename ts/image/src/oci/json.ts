/** Foreign JSON, checked once at the edge: what is not as the spec says is named by its path. */

import { CtrError } from '@ctr-ts/native';

/** A JSON value with the place it stands in. */
export class Json {
  readonly value: unknown;
  readonly path: string;

  constructor(value: unknown, path: string) {
    this.value = value;
    this.path = path;
  }

  /** @throws CtrError `INVALID_IMAGE` */
  static parse(text: string, path: string): Json {
    try {
      return new Json(JSON.parse(text), path);
    } catch (cause) {
      throw new CtrError('INVALID_IMAGE', `read ${path}: it is no JSON`, { cause });
    }
  }

  field(name: string): Json {
    const { value } = this;
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw this.#not('an object');
    return new Json(
      Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined,
      `${this.path}.${name}`,
    );
  }

  get missing(): boolean {
    return this.value === undefined || this.value === null;
  }

  string(): string {
    if (typeof this.value !== 'string') throw this.#not('a string');
    return this.value;
  }

  number(): number {
    if (typeof this.value !== 'number' || !Number.isSafeInteger(this.value) || this.value < 0) {
      throw this.#not('a size');
    }
    return this.value;
  }

  list(): Json[] {
    if (!Array.isArray(this.value)) throw this.#not('a list');
    return this.value.map((item: unknown, index) => new Json(item, `${this.path}[${index}]`));
  }

  strings(): string[] {
    return this.missing ? [] : this.list().map((item) => item.string());
  }

  stringMap(): Record<string, string> {
    if (this.missing) return {};
    const { value } = this;
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw this.#not('an object');
    return Object.fromEntries(Object.keys(value).map((key) => [key, this.field(key).string()]));
  }

  /** The names in an object, none where it is missing. */
  keys(): string[] {
    if (this.missing) return [];
    const { value } = this;
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw this.#not('an object');
    return Object.keys(value);
  }

  optionalString(): string | undefined {
    return this.missing ? undefined : this.string();
  }

  #not(what: string): CtrError {
    return new CtrError('INVALID_IMAGE', `read ${this.path}: not ${what}`);
  }
}
