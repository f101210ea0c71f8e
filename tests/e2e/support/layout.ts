/** OCI layouts that a test changes by hand, keeping every digest right but the one it is about. */
import { createHash } from 'node:crypto';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md */
export interface Descriptor {
  digest: string;
  size: number;
}

/** A copy of a good layout that a test may spoil. */
export class Layout {
  readonly path: string;

  constructor(good: string, copy: string) {
    this.path = copy;
    cpSync(good, copy, { recursive: true });
  }

  blob({ digest }: Descriptor): string {
    return join(this.path, 'blobs', digest.replace(':', '/'));
  }

  read<T>(descriptor: Descriptor): T {
    return JSON.parse(readFileSync(this.blob(descriptor), 'utf8')) as T;
  }

  write(content: Buffer): Descriptor {
    const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
    writeFileSync(this.blob({ digest, size: 0 }), content);
    return { digest, size: content.length };
  }

  /** Changes config and manifest so that each digest up to the index is right again. */
  edit(change: (image: { config: Config; layers: Descriptor[] }) => void): string {
    const indexFile = join(this.path, 'index.json');
    const index = JSON.parse(readFileSync(indexFile, 'utf8')) as { manifests: Descriptor[] };
    const [entry] = index.manifests;
    if (entry === undefined) throw new Error('an index without manifests');
    const manifest = this.read<{ config: Descriptor; layers: Descriptor[] }>(entry);
    const config = this.read<Config>(manifest.config);
    change({ config, layers: manifest.layers });
    Object.assign(manifest.config, this.write(Buffer.from(JSON.stringify(config))));
    Object.assign(entry, this.write(Buffer.from(JSON.stringify(manifest))));
    writeFileSync(indexFile, JSON.stringify(index));
    return this.path;
  }
}

/** https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md */
export interface Config {
  rootfs: { diff_ids: string[] };
  config?: Record<string, unknown>;
}
