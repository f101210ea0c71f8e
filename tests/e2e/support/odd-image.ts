/** An image whose files are as odd as files can be, made by umoci. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { must } from './command.ts';
import { busybox, pack } from './images.ts';

/**
 * A layout below `directory`, tag `latest`, with everything a layer can say about files, in layers
 * with whiteouts between them.
 */
export async function makeOddImage(directory: string): Promise<string> {
  const layout = join(directory, 'odd');
  const rootfs = busybox(directory);
  if (rootfs === undefined) throw new Error('busybox-static is not installed');
  const script = `
    set -e
    mkdir -p bin etc opaque/sub deep/er sticky empty
    echo one > opaque/sub/old; echo two > opaque/gone; echo three > etc/removed
    cp bin/busybox bin/setuid; chmod 4755 bin/setuid
    cp bin/busybox bin/caps; setcap cap_net_bind_service+ep bin/caps
    chmod 2775 deep; chmod 1777 sticky tmp; chmod 0700 root; chmod 000 etc/group
    chown 1000:1000 deep; chown 65534:65534 deep/er; chown 33:0 empty
    ln bin/setuid deep/hard; ln -s ../../../etc/passwd deep/link; ln -s /absolute deep/absolute
    chown -h 12:34 deep/link
    mkfifo deep/fifo
    printf 'weird' > 'deep/name with space'; printf x > "deep/$(printf 'n\\303\\244me')"
    python3 -c 'import os; os.setxattr("deep/er", "user.note", b"\\0binary"); os.setxattr("bin/setuid", "user.x", b"y")'
    touch -d '1999-12-31 23:59:58' deep/er etc/passwd; touch -hd '2001-02-03 04:05:06' deep/link
    touch -d '2010-01-01' deep
  `;
  await must('sh', ['-c', script], { cwd: rootfs });
  await pack(rootfs, layout);
  const image = `${layout}:latest`;
  const second = join(directory, 'second');
  mkdirSync(join(second, 'opaque'), { recursive: true });
  writeFileSync(join(second, 'opaque/new'), 'new\n');
  await must('umoci', ['insert', '--image', image, '--opaque', join(second, 'opaque'), '/opaque']);
  // A layer of one file, whose archive ends with the last byte of that.
  await must('umoci', ['insert', '--image', image, join(second, 'opaque/new'), '/etc/late']);
  // What a build changes: removed, replaced, made anew, and other in its attributes only.
  const bundle = join(directory, 'bundle');
  await must('umoci', ['unpack', '--image', image, bundle]);
  const change = `
    set -e
    rm etc/removed; rm -r deep/er; echo file > deep/er; rm deep/absolute; mkdir deep/absolute
    echo inner > deep/absolute/inner; chmod 0600 etc/passwd; chown 7:8 etc/passwd
    touch -d '2020-02-20' etc deep; mkdir -p made/anew; chmod 0711 made
  `;
  await must('sh', ['-c', change], { cwd: join(bundle, 'rootfs') });
  await must('umoci', ['repack', '--image', image, bundle]);
  await must('rm', ['-rf', bundle]);
  await must('chmod', ['-R', 'a+rX', layout]);
  return layout;
}
