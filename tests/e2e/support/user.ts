/** The ordinary users that rootless tests run as, with the packed product. */
import { type PublishedBuild, publishBuild } from '@ctr-ts/dev/publish';
import { findTestUser, spawnOptionsOf, type TestUser, testUserNames } from '@ctr-ts/dev/test-users';

import { type CommandOptions, type Ended, execute, must, type Started, start } from './command.ts';

export interface UserProduct {
  user: TestUser;
  build: PublishedBuild;
  ctr(args: readonly string[], options?: CommandOptions): Promise<Ended>;
  startCtr(args: readonly string[], options?: CommandOptions): Started;
  /** Runs an ES module that can import `@ctr-ts/sdk`; throws unless it succeeds. */
  script(source: string): Promise<string>;
  /** Any program as that user. */
  execute(command: string, args: readonly string[], options?: CommandOptions): Promise<Ended>;
}

export const userKinds = [
  { kind: 'with subordinate ids', name: testUserNames.withSubordinateIds },
  { kind: 'with a single id', name: testUserNames.withoutSubordinateIds },
] as const;

/** Undefined when the user does not exist, because setup never ran as root. */
export async function productOf(name: string): Promise<UserProduct | undefined> {
  const user = findTestUser(name);
  if (user === undefined) return undefined;
  const build = await publishBuild();
  const as = spawnOptionsOf(user);
  return {
    user,
    build,
    ctr: (args, options) => execute(build.cli, args, { ...as, ...options }),
    startCtr: (args, options) => start(build.cli, args, { ...as, ...options }),
    execute: (command, args, options) => execute(command, args, { ...as, ...options }),
    script: (source) =>
      // `--input-type` resolves packages from the working directory.
      must(build.node, ['--input-type=module', '--eval', source], { ...as, cwd: build.directory }),
  };
}
