/** Lines that cannot work, each with what must be answered. Values below `D` name the test's directory. */

export interface BadInput {
  title: string;
  /** `D` in a word stands for the directory that `bad-input.test.ts` fills. */
  args: readonly string[];
  /** Docker's exit status. Default 125. */
  exitCode?: number;
  code: RegExp;
}

const run = (...args: string[]) => ['run', '--rm', ...args];
const flag = (...flags: string[]) => run(...flags, 'host:', 'true');

export const badInput: readonly BadInput[] = [
  // Sources.
  {
    title: 'a source nobody knows',
    args: run('ftp://somewhere/x', 'true'),
    code: /^UNKNOWN_SOURCE$/,
  },
  {
    title: 'an image of a registry that does not exist',
    args: run('-q', 'registry.invalid/alpine', 'true'),
    code: /^REGISTRY_UNREACHABLE$/,
  },
  {
    title: 'an image that is not to be pulled',
    args: run('--pull', 'never', 'e2e-missing', 'true'),
    code: /^IMAGE_NOT_FOUND$/,
  },
  {
    title: 'a pull policy nobody knows',
    args: run('--pull', 'often', 'alpine', 'true'),
    code: /^INVALID_ARGUMENT$/,
  },
  {
    title: 'an image for another kind of machine',
    args: run('--platform', 'linux/riscv64', 'alpine', 'true'),
    code: /^FOREIGN_PLATFORM$/,
  },
  {
    title: 'a platform that is none',
    args: run('--platform', 'a/b/c/d', 'alpine', 'true'),
    code: /^INVALID_ARGUMENT$/,
  },
  {
    title: 'an image in capital letters',
    args: run('Alpine', 'true'),
    code: /^INVALID_REFERENCE$/,
  },
  {
    title: 'a pull of what is not in a registry',
    args: ['pull', 'host:'],
    code: /^INVALID_REFERENCE$/,
  },
  { title: 'a pull of nothing', args: ['pull'], code: /^MISSING_ARGUMENT$/ },
  {
    title: 'rmi of an image that is missing',
    args: ['rmi', 'e2e-missing'],
    code: /^IMAGE_NOT_FOUND$/,
  },
  {
    title: 'an empty image',
    args: run('', 'true'),
    code: /^(INVALID_ARGUMENT|INVALID_REFERENCE|UNKNOWN_SOURCE)$/,
  },
  {
    title: 'a reference that is no reference',
    args: run('Not//A Reference', 'true'),
    code: /^(INVALID_REFERENCE|UNKNOWN_SOURCE)$/,
  },
  {
    title: 'an oci: source without a directory',
    args: run('oci:', 'true'),
    code: /^INVALID_REFERENCE$/,
  },
  {
    title: 'a tag with a blank in it',
    args: run('oci:D/layout:la test', 'true'),
    code: /^INVALID_REFERENCE$/,
  },
  {
    title: 'host: with something behind it',
    args: run('host:/usr', 'true'),
    code: /^INVALID_REFERENCE$/,
  },
  { title: 'a layout that is missing', args: run('oci:D/nowhere', 'true'), code: /NOT_FOUND$/ },
  { title: 'a tag that is missing', args: run('oci:D/layout:other', 'true'), code: /NOT_FOUND$/ },
  { title: 'a directory that is no layout', args: run('oci:D', 'true'), code: /^[A-Z_]+$/ },
  { title: 'a rootfs that is missing', args: run('rootfs:D/nowhere', 'true'), code: /NOT_FOUND$/ },
  { title: 'a rootfs that is a file', args: run('rootfs:D/file', 'true'), code: /^[A-Z_]+$/ },
  { title: 'no image at all', args: ['run', '--rm'], code: /^[A-Z_]*ARGUMENT[A-Z_]*$/ },
  // Options.
  {
    title: 'a volume source that is missing',
    args: flag('-v', 'D/nowhere:/work'),
    code: /^FILE_NOT_FOUND$/,
  },
  { title: 'a volume without a target', args: flag('-v', 'D'), code: /^(INVALID_MOUNT|NOT_YET)$/ },
  {
    title: 'a volume with too many parts',
    args: flag('-v', 'D:/a:ro:/b'),
    code: /^INVALID_MOUNT$/,
  },
  { title: 'a volume with a relative target', args: flag('-v', 'D:work'), code: /^INVALID_MOUNT$/ },
  { title: 'a volume over /proc', args: flag('-v', 'D:/proc/sys'), code: /^INVALID_MOUNT$/ },
  {
    title: 'a tmpfs with a size that is none',
    args: flag('--tmpfs', '/t:size=huge'),
    code: /^INVALID_(LIMIT|MOUNT)$/,
  },
  {
    title: 'a capability nobody knows',
    args: flag('--cap-add', 'FLY'),
    code: /^UNKNOWN_CAPABILITY$/,
  },
  {
    title: 'a capability to drop that nobody knows',
    args: flag('--cap-drop', 'CAP_FLY'),
    code: /^UNKNOWN_CAPABILITY$/,
  },
  { title: 'memory in apples', args: flag('--memory', '12apples'), code: /^INVALID_LIMIT$/ },
  {
    title: 'less memory than a process needs',
    args: flag('--memory', '4k'),
    code: /^INVALID_LIMIT$/,
  },
  { title: 'cpus that are no number', args: flag('--cpus', 'many'), code: /^INVALID_LIMIT$/ },
  { title: 'no cpu at all', args: flag('--cpus', '0'), code: /^INVALID_LIMIT$/ },
  { title: 'no process at all', args: flag('--pids-limit', '0'), code: /^INVALID_LIMIT$/ },
  { title: 'a time that is none', args: flag('--timeout', 'soon'), code: /^INVALID_LIMIT$/ },
  { title: 'a name with a blank', args: flag('--name', 'a b'), code: /^INVALID_NAME$/ },
  {
    title: 'a name that leaves its directory',
    args: flag('--name', '../x'),
    code: /^INVALID_NAME$/,
  },
  { title: 'a name in use', args: flag('--name', 'e2e-taken'), code: /^NAME_IN_USE$/ },
  { title: 'a host name with a slash', args: flag('--hostname', 'a/b'), code: /^INVALID_NAME$/ },
  {
    title: 'a network that is none',
    args: flag('--network', 'moon'),
    code: /^(INVALID_ARGUMENT|NOT_YET)$/,
  },
  { title: 'a variable without a name', args: flag('-e', '=x'), code: /^INVALID_ARGUMENT$/ },
  { title: 'a relative working directory', args: flag('-w', 'here'), code: /^INVALID_ARGUMENT$/ },
  {
    title: 'a working directory that is a file',
    args: flag('-w', '/etc/passwd'),
    code: /^BAD_WORKDIR$/,
  },
  {
    title: 'a profile that is missing',
    args: flag('--security-opt', 'seccomp=D/nowhere'),
    code: /^FILE_NOT_FOUND$/,
  },
  {
    title: 'a profile that is no JSON',
    args: flag('--security-opt', 'seccomp=D/file'),
    code: /^INVALID_[A-Z_]+$/,
  },
  {
    title: 'a profile with an unknown action',
    args: flag('--security-opt', 'seccomp=D/profile.json'),
    code: /^INVALID_[A-Z_]+$/,
  },
  {
    title: 'a security option nobody knows',
    args: flag('--security-opt', 'magic=on'),
    code: /^(INVALID_ARGUMENT|NOT_YET)$/,
  },
  // Users and programs.
  {
    title: 'a user the image does not have',
    args: flag('-u', 'nobody-knows'),
    code: /^USER_NOT_FOUND$/,
  },
  {
    title: 'a group the image does not have',
    args: flag('-u', '0:nobody-knows'),
    code: /^[A-Z]+_NOT_FOUND$/,
  },
  { title: 'a user that is no user', args: flag('-u', 'a:b:c'), code: /^INVALID_ARGUMENT$/ },
  {
    title: 'a program that is missing',
    args: run('host:', 'no-such-program'),
    exitCode: 127,
    code: /^COMMAND_NOT_FOUND$/,
  },
  {
    title: 'a path that is missing',
    args: run('host:', '/no/such/program'),
    exitCode: 127,
    code: /^COMMAND_NOT_FOUND$/,
  },
  {
    title: 'a program that may not be executed',
    args: run('host:', '/etc/passwd'),
    exitCode: 126,
    code: /^COMMAND_NOT_EXECUTABLE$/,
  },
  {
    title: 'a program that is a directory',
    args: run('host:', '/usr'),
    exitCode: 126,
    code: /^COMMAND_NOT_EXECUTABLE$/,
  },
  {
    title: 'a program in no known format',
    args: run('-v', 'D:/d', 'host:', '/d/garbage'),
    exitCode: 126,
    code: /^COMMAND_NOT_EXECUTABLE$/,
  },
  {
    title: 'a script whose interpreter is missing',
    args: run('-v', 'D:/d', 'host:', '/d/script'),
    exitCode: 126,
    code: /^COMMAND_NOT_EXECUTABLE$/,
  },
  // Flags and verbs.
  { title: 'a flag nobody knows', args: flag('--nmae', 'x'), code: /^UNKNOWN_FLAG$/ },
  { title: 'a flag without its value', args: ['run', '--name'], code: /^[A-Z_]+$/ },
  { title: 'a switch with a value', args: flag('--privileged=perhaps'), code: /^[A-Z_]+$/ },
  { title: 'a flag of docker that is not there yet', args: flag('-d'), code: /^NOT_YET$/ },
  { title: 'a verb of docker that is not there yet', args: ['build', '.'], code: /^NOT_YET$/ },
  {
    title: 'two words of docker that are not there yet',
    args: ['image', 'push', 'a'],
    code: /^NOT_YET$/,
  },
  { title: 'a verb nobody knows', args: ['rnu', 'host:', 'true'], code: /^UNKNOWN_[A-Z_]+$/ },
  {
    title: 'a surplus word',
    args: ['system', 'prune', '-f', 'x'],
    code: /^[A-Z_]*ARGUMENT[A-Z_]*$/,
  },
  // Containers.
  {
    title: 'exec in a container that is missing',
    args: ['exec', 'e2e-missing', 'true'],
    code: /^CONTAINER_NOT_FOUND$/,
  },
  {
    title: 'exec without a command',
    args: ['exec', 'e2e-taken'],
    code: /^[A-Z_]*ARGUMENT[A-Z_]*$/,
  },
  {
    title: 'kill of a container that is missing',
    args: ['kill', 'e2e-missing'],
    code: /^CONTAINER_NOT_FOUND$/,
  },
  { title: 'a signal nobody knows', args: ['kill', '-s', 'LOUD', 'e2e-taken'], code: /^[A-Z_]+$/ },
  {
    title: 'rm of a container that is missing',
    args: ['rm', 'e2e-missing'],
    code: /^CONTAINER_NOT_FOUND$/,
  },
  { title: 'rm of a container that runs', args: ['rm', 'e2e-taken'], code: /^CONTAINER_RUNNING$/ },
  {
    title: 'explain of a container that is missing',
    args: ['explain', 'e2e-missing'],
    code: /^CONTAINER_NOT_FOUND$/,
  },
  {
    title: 'a control group that is missing',
    args: ['cgroup', 'stat', 'e2e-missing'],
    code: /^CGROUP_NOT_FOUND$/,
  },
  {
    title: 'unshare of a program that is missing',
    args: ['unshare', '--uts', '--', 'no-such'],
    exitCode: 127,
    code: /^COMMAND_NOT_FOUND$/,
  },
];
