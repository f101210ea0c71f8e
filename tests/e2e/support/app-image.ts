/** A registry that holds small images whose configs say something, for tests that pull and run them. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { must } from './command.ts';
import { busybox, pack } from './images.ts';
import { startRegistry, type TestRegistry, type TestRegistryOptions } from './registry.ts';

/** What the tests work with. */
export interface AppImages {
  /** World-readable; everything of the tests goes below it. */
  directory: string;
  registry: TestRegistry;
  /** `HOST/team/app`, tags 1 and latest: entrypoint, cmd, env, workdir, user, labels, stop signal. */
  app: string;
  /** `oci:DIR:TAG` of the same, and of one without a config. */
  layouts: { app: string; plain: string };
  close(): Promise<void>;
}

/** Makes the images and starts the registry. */
export async function appImages(): Promise<AppImages> {
  const directory = mkdtempSync(join(tmpdir(), 'e2e-images-'));
  chmodSync(directory, 0o755);
  const layout = join(directory, 'layout');
  await packMadeFor(layout, 'images test\n');
  const configured = [
    ...['--config.entrypoint', '/bin/echo', '--config.entrypoint', 'entry', '--config.cmd', 'cmd'],
    ...['--config.env', 'COLOUR=green', '--config.env', 'PATH=/bin', '--config.workingdir', '/tmp'],
    ...['--config.user', 'user', '--config.label', 'team=images', '--config.label', 'tier=base'],
    ...['--config.stopsignal', 'SIGQUIT'],
  ];
  await must('umoci', ['config', '--image', `${layout}:latest`, '--tag', 'app', ...configured]);
  const layouts = { app: `oci:${layout}:app`, plain: `oci:${layout}:latest` };
  const registry = await mustStart({});
  await registry.push(layouts.plain, 'plain:1');
  await registry.push(layouts.app, 'team/app:1');
  await registry.push(layouts.app, 'team/app:latest');
  return {
    directory,
    registry,
    app: `${registry.host}/team/app`,
    layouts,
    close: async () => {
      await registry.stop();
      rmSync(directory, { recursive: true });
    },
  };
}

/** A busybox whose `/etc/made-for` says this, as a layout with the tag `latest`. */
export async function packMadeFor(layout: string, text: string): Promise<void> {
  const rootfs = busybox(`${layout}-files`);
  if (rootfs === undefined) throw new Error('busybox-static is not installed');
  writeFileSync(join(rootfs, 'etc/made-for'), text);
  await pack(rootfs, layout);
}

/** A registry, or the reason why there is none as an error. */
export async function mustStart(options: TestRegistryOptions): Promise<TestRegistry> {
  const found = await startRegistry(options);
  if (typeof found === 'string') throw new Error(found);
  return found;
}
