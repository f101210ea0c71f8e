/** Rounds over all peers, so that whatever else the machine does hits all alike. */

/** Something that launches `true` again and again. */
export interface Peer {
  name: string;
  /** Takes tens of milliseconds: launches less often. */
  slow?: boolean;
  /** `count` launches with a pause before each; the milliseconds each took. */
  block(count: number, pauseMs: number): Promise<number[]>;
  close(): Promise<void>;
}

/** Percentiles of one peer in milliseconds. */
export interface Percentiles {
  count: number;
  min: number;
  p10: number;
  p50: number;
  p90: number;
  p99: number;
  max: number;
}

export interface Schedule {
  /** Rounds begin until this has passed, so that a busy machine costs samples and not time. */
  budgetMs: number;
  /** Launches of one peer in a row. */
  block: number;
  pauseMs: number;
}

/** Measures all peers by turns. A slow peer takes part in every third round, with half a block. */
export async function measure(
  peers: readonly Peer[],
  { budgetMs, block, pauseMs }: Schedule,
): Promise<Map<string, Percentiles>> {
  const samples = new Map<string, number[]>(peers.map(({ name }) => [name, []]));
  const end = performance.now() + budgetMs;
  for (let round = 0; round === 0 || performance.now() < end; round++) {
    for (const { name, slow = false, block: launch } of peers) {
      if (slow && round % 3 !== 0) continue;
      const count = slow ? Math.ceil(block / 2) : block;
      samples.get(name)?.push(...(await launch(count, pauseMs)));
    }
  }
  return new Map([...samples].map(([name, values]) => [name, percentiles(values)]));
}

/** Nearest-rank percentiles; NaN everywhere when there is no sample. */
export function percentiles(samples: readonly number[]): Percentiles {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (part: number) =>
    sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN;
  return {
    count: sorted.length,
    min: at(0),
    p10: at(0.1),
    p50: at(0.5),
    p90: at(0.9),
    p99: at(0.99),
    max: at(1),
  };
}

/** A peer that is a function of this process: times the call until its promise settles. */
export function inProcess(name: string, launch: () => Promise<void>): Peer {
  return {
    name,
    async block(count, pauseMs) {
      const samples: number[] = [];
      for (let done = 0; done < count; done++) {
        if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
        const start = performance.now();
        await launch();
        samples.push(performance.now() - start);
      }
      return samples;
    },
    async close() {},
  };
}
