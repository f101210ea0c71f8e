/** What an exec asks of the native core. */

import type { Core } from './core.ts';
import { hostFacts } from './host.ts';
import type { ExecOptions } from './options.ts';
import type { ContainerRecord } from './record.ts';
import { buildExecProcess, withHome } from './spec.ts';

/** ctr-spec's ExecRequest: the container's own process with what the caller changes. */
export async function execRequest(
  core: Core,
  record: ContainerRecord,
  command: readonly string[],
  options: ExecOptions,
): Promise<unknown> {
  const host = await hostFacts(core);
  const process = buildExecProcess(record.process, command, options, host);
  const user = options.user ?? record.user ?? undefined;
  return {
    process: { ...process, env: withHome(process.env, user) },
    program: 'command',
    ...(user === undefined ? {} : { user }),
    seccomp: options.privileged === true ? { kind: 'unconfined' } : record.seccomp,
  };
}
