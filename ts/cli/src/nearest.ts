/** "Did you mean": the candidate closest to what was typed. */

/** The closest candidate, or undefined when none is close enough to be meant. */
export function nearest(typed: string, candidates: Iterable<string>): string | undefined {
  // Half of a short word may be wrong before a suggestion is only noise.
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(typed.length / 2)) + 1;
  for (const candidate of candidates) {
    const distance = Math.min(editDistance(typed, candidate), prefixDistance(typed, candidate));
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** An abbreviation (`--mem` for `--memory`) is as near as one slip of the finger. */
function prefixDistance(typed: string, candidate: string): number {
  return typed.length >= 2 && candidate.startsWith(typed) ? 1 : Number.POSITIVE_INFINITY;
}

/** Insertions, deletions, substitutions and swaps of neighbours that turn one word into the other. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + change);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) cost = Math.min(cost, at(beforeLast, j - 2) + 1);
      row.push(cost);
    }
    [beforeLast, last] = [last, row];
  }
  return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
