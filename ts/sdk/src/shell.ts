/** Words for sh(1): a template whose values can never become syntax. */

/** A value of a template: one word, or one word for each element. */
export type ShellValue = string | number | readonly (string | number)[];

/** The script a template stands for, with every value quoted. */
export function shellScript(texts: readonly string[], values: readonly ShellValue[]): string {
  return texts.map((text, index) => text + shellWords(values[index] ?? [])).join('');
}

function shellWords(value: ShellValue): string {
  const words = typeof value === 'object' ? value : [value];
  return words.map((word) => `'${String(word).replaceAll("'", "'\\''")}'`).join(' ');
}
