/** What happens while an image is pulled. */
export type PullEvent =
  | {
      type: 'manifest';
      /** Canonical. */
      reference: string;
      digest: string;
      layers: { digest: string; size: number }[];
    }
  | {
      type: 'layer';
      digest: string;
      state: 'exists' | 'downloading' | 'downloaded' | 'unpacking' | 'unpacked';
      /** Of `size`, downloaded so far. */
      bytes: number;
      size: number;
    }
  | { type: 'retry'; operation: string; error: string; delayMs: number };
