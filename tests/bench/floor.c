/* The kernel's own price of a container: the system calls of a Plan and nothing else.
 *
 *   floor plan FILE          launch the container that FILE lists
 *   floor command ARGV...    start a program and wait; `%n` in an argument is the launch's number
 *   floor filter PID         write PID's system call filter to stdout, as the kernel holds it
 *
 * The first two read lines "COUNT PAUSE_MS" from stdin, do COUNT launches with a pause before each,
 * and answer with COUNT lines "NANOSECONDS NANOSECONDS": until the exit status was there, and until
 * what the launch had made was removed as well.
 *
 * FILE has one step on a line, fields separated by tabs, in the order in which they are done. All
 * of it is read before the first launch, so that a launch holds only system calls.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MS_REC_ 16384UL
#define MS_PRIVATE_ (1UL << 18)
#define MNT_DETACH_ 2
#define FIELDS 24
#define STEPS 512

int mount(const char *, const char *, const char *, unsigned long, const void *);
int umount2(const char *, int);
extern char **environ;

struct step;
typedef long (*action)(const struct step *);

struct step {
	action act;
	int count;
	char *text[FIELDS];
	unsigned long long number[FIELDS];
};

struct place {
	char *directory;
	int v2;
	int entry;
};

static struct step steps[STEPS], limits[STEPS];
static int step_count, limit_count;
static struct place groups[32];
static int group_count;
static uint64_t clone_flags;
static char *arguments[64], *environment[256];
static int argument_count, environment_count;
static int empty = -1, shelf = -1;
static struct sock_fprog filter;

static void die(const char *what, const char *detail)
{
	fprintf(stderr, "floor: %s %s: %s\n", what, detail, strerror(errno));
	_exit(99);
}

static uint64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Paths of the container are relative: every step before `pivot` stands in the new root. */
static const char *inside(const char *path)
{
	while (*path == '/')
		path++;
	return *path ? path : ".";
}

static int clone_tree(int directory, const char *path, int recursive)
{
	unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? 0x8000u : 0) | (*path ? 0 : AT_EMPTY_PATH);
	return (int)syscall(SYS_open_tree, directory, path, flags);
}

static long attach(int tree, const char *target)
{
	return syscall(SYS_move_mount, tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH);
}

static long set_attributes(int fd, const char *path, uint64_t set, uint64_t clear, int recursive)
{
	struct mount_attr attributes = { .attr_set = set, .attr_clr = clear };
	unsigned flags = (recursive ? 0x8000u : 0) | (*path ? 0 : AT_EMPTY_PATH);
	return syscall(SYS_mount_setattr, fd, path, flags, &attributes, sizeof attributes);
}

static int new_filesystem(const char *type, char *const *parameters, int count, uint64_t attributes)
{
	int context = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
	if (context < 0)
		return -1;
	for (int i = 0; i + 1 < count; i += 2) {
		int flag = parameters[i + 1][0] == 0;
		if (syscall(SYS_fsconfig, context, flag ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING, parameters[i],
			    flag ? NULL : parameters[i + 1], 0) < 0)
			return -1;
	}
	if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	int tree = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, attributes);
	close(context);
	return tree;
}

static long put(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	long result = write(fd, value, strlen(value));
	close(fd);
	return result;
}

static long stack_on_root(int tree)
{
	return tree < 0 || attach(tree, "/") < 0 ? -1 : fchdir(tree);
}

static long enter_groups(const struct step *s)
{
	(void)s;
	for (int i = 0; i < group_count; i++)
		if (!groups[i].v2 && write(groups[i].entry, "0", 1) != 1)
			return -1;
	return 0;
}

static long make_namespaces(const struct step *s)
{
	return unshare((int)s->number[0]);
}

static long host_name(const struct step *s)
{
	return sethostname(s->text[0], strlen(s->text[0]));
}

static long domain_name(const struct step *s)
{
	return setdomainname(s->text[0], strlen(s->text[0]));
}

static long loopback_up(const struct step *s)
{
	(void)s;
	struct ifreq request = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	request.ifr_flags = IFF_UP;
	long result = ioctl(fd, SIOCSIFFLAGS, &request);
	close(fd);
	return result;
}

static long private_mounts(const struct step *s)
{
	(void)s;
	return mount(NULL, "/", NULL, MS_REC_ | MS_PRIVATE_, NULL);
}

/* root-bind PATH */
static long root_bind(const struct step *s)
{
	return stack_on_root(clone_tree(AT_FDCWD, s->text[0], 1));
}

/* root-overlay SIZE OPTIONS: layers written to a tmpfs of the container's own */
static long root_overlay(const struct step *s)
{
	char *size[] = { "mode", "0755", "size", s->text[0] };
	if (stack_on_root(new_filesystem("tmpfs", size, 4, 0)) < 0)
		return -1;
	if (mkdir("merged", 0755) < 0 || mkdir("upper", 0755) < 0 || mkdir("work", 0755) < 0)
		return -1;
	if (mount("overlay", "merged", "overlay", 0, s->text[1]) < 0)
		return -1;
	int tree = clone_tree(AT_FDCWD, "merged", 0);
	if (tree < 0 || umount2(".", MNT_DETACH_) < 0)
		return -1;
	return stack_on_root(tree);
}

/* new DESTINATION ATTRIBUTES TYPE [KEY VALUE]... */
static long new_mount(const struct step *s)
{
	int tree = new_filesystem(s->text[2], s->text + 3, s->count - 3, s->number[1]);
	long result = tree < 0 ? -1 : attach(tree, inside(s->text[0]));
	close(tree);
	return result;
}

/* bind DESTINATION SET CLEAR RECURSIVE_ATTRIBUTES PATH RECURSIVE */
static long bind_mount(const struct step *s)
{
	int tree = clone_tree(AT_FDCWD, s->text[4], (int)s->number[5]);
	if (tree < 0)
		return -1;
	if ((s->number[1] || s->number[2]) &&
	    set_attributes(tree, "", s->number[1], s->number[2], (int)s->number[3]) < 0)
		return -1;
	long result = attach(tree, inside(s->text[0]));
	close(tree);
	return result;
}

/* content DESTINATION SET NAME TEXT: a file of a tmpfs made for all of them; its lines end in \r */
static long show_content(const struct step *s)
{
	static char *parameters[] = { "source", "ctr-ts", "mode", "0755", "size", "1100000" };
	uint64_t set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	if (shelf < 0) {
		shelf = new_filesystem("tmpfs", parameters, 6, set);
		if (shelf < 0 || attach(shelf, "/sys") < 0)
			return -1;
	}
	int file = openat(shelf, s->text[2], O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
	size_t size = strlen(s->text[3]);
	if (file < 0 || write(file, s->text[3], size) != (ssize_t)size)
		return -1;
	close(file);
	int tree = clone_tree(shelf, s->text[2], 0);
	if (tree < 0 || set_attributes(tree, "", s->number[1], 0, 0) < 0)
		return -1;
	long result = attach(tree, inside(s->text[0]));
	close(tree);
	return result;
}

/* attributes DESTINATION SET CLEAR RECURSIVE */
static long change_attributes(const struct step *s)
{
	return set_attributes(AT_FDCWD, inside(s->text[0]), s->number[1], s->number[2], (int)s->number[3]);
}

static long make_directory(const struct step *s)
{
	return mkdir(inside(s->text[0]), 0755) < 0 && errno != EEXIST ? -1 : 0;
}

static long make_file(const struct step *s)
{
	int fd = open(inside(s->text[0]), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	return fd < 0 ? -1 : close(fd);
}

/* node PATH MODE MAJOR MINOR UID GID */
static long make_node(const struct step *s)
{
	const char *path = inside(s->text[0]);
	if (mknod(path, (mode_t)s->number[1], makedev(s->number[2], s->number[3])) < 0)
		return -1;
	return s->number[4] || s->number[5] ? chown(path, (uid_t)s->number[4], (gid_t)s->number[5]) : 0;
}

static long make_link(const struct step *s)
{
	return symlink(s->text[1], inside(s->text[0])) < 0 && errno != EEXIST ? -1 : 0;
}

static long read_only(const struct step *s)
{
	int tree = clone_tree(AT_FDCWD, inside(s->text[0]), 1);
	if (tree < 0)
		return -1;
	uint64_t set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	if (set_attributes(tree, "", set, 0, 1) < 0)
		return -1;
	long result = attach(tree, inside(s->text[0]));
	close(tree);
	return result;
}

static long mask_file(const struct step *s)
{
	int tree = clone_tree(AT_FDCWD, "/dev/null", 0);
	long result = tree < 0 ? -1 : attach(tree, inside(s->text[0]));
	close(tree);
	return result;
}

static long mask_directory(const struct step *s)
{
	static char *parameters[] = { "mode", "0555", "size", "0", "nr_inodes", "2" };
	if (empty < 0) {
		uint64_t set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
		empty = new_filesystem("tmpfs", parameters, 6, set);
		return empty < 0 ? -1 : attach(empty, inside(s->text[0]));
	}
	int tree = clone_tree(empty, "", 0);
	long result = tree < 0 ? -1 : attach(tree, inside(s->text[0]));
	close(tree);
	return result;
}

static long pivot(const struct step *s)
{
	(void)s;
	if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH_) < 0)
		return -1;
	return chdir("/");
}

static long write_value(const struct step *s)
{
	return put(s->text[0], s->text[1]);
}

static long resource_limit(const struct step *s)
{
	struct rlimit limit = { s->number[1], s->number[2] };
	return setrlimit((int)s->number[0], &limit);
}

static long creation_mask(const struct step *s)
{
	umask((mode_t)s->number[0]);
	return 0;
}

/* bounding MASK LAST: drop every capability up to LAST that MASK has not */
static long bounding(const struct step *s)
{
	for (unsigned long long bit = 0; bit <= s->number[1]; bit++)
		if (!(s->number[0] >> bit & 1) && prctl(PR_CAPBSET_DROP, bit, 0, 0, 0) < 0)
			return -1;
	return 0;
}

static long keep_capabilities(const struct step *s)
{
	return prctl(PR_SET_KEEPCAPS, (unsigned long)s->number[0], 0, 0, 0);
}

static long supplementary(const struct step *s)
{
	gid_t ids[FIELDS];
	for (int i = 0; i < s->count; i++)
		ids[i] = (gid_t)s->number[i];
	return setgroups((size_t)s->count, ids);
}

static long user(const struct step *s)
{
	uid_t uid = (uid_t)s->number[0];
	gid_t gid = (gid_t)s->number[1];
	return setresgid(gid, gid, gid) < 0 ? -1 : setresuid(uid, uid, uid);
}

/* capabilities EFFECTIVE PERMITTED INHERITABLE */
static long capabilities(const struct step *s)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	for (int i = 0; i < 2; i++) {
		data[i].effective = (uint32_t)(s->number[0] >> (32 * i));
		data[i].permitted = (uint32_t)(s->number[1] >> (32 * i));
		data[i].inheritable = (uint32_t)(s->number[2] >> (32 * i));
	}
	return syscall(SYS_capset, &header, data);
}

static long ambient(const struct step *s)
{
	for (unsigned bit = 0; bit < 64; bit++)
		if (s->number[0] >> bit & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, bit, 0, 0) < 0)
			return -1;
	return 0;
}

static long working_directory(const struct step *s)
{
	return chdir(s->text[0]);
}

static long no_new_privileges(const struct step *s)
{
	(void)s;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static long install_filter(const struct step *s)
{
	(void)s;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter);
}

static const struct {
	const char *name;
	action act;
} verbs[] = {
	{ "enter-groups", enter_groups },	{ "unshare", make_namespaces },
	{ "hostname", host_name },		{ "domainname", domain_name },
	{ "loopback", loopback_up },		{ "private", private_mounts },
	{ "root-bind", root_bind },		{ "root-overlay", root_overlay },
	{ "new", new_mount },			{ "bind", bind_mount },
	{ "content", show_content },
	{ "attributes", change_attributes },	{ "directory", make_directory },
	{ "file", make_file },			{ "node", make_node },
	{ "link", make_link },			{ "read-only", read_only },
	{ "mask-file", mask_file },		{ "mask-directory", mask_directory },
	{ "pivot", pivot },			{ "write", write_value },
	{ "rlimit", resource_limit },		{ "umask", creation_mask },
	{ "bounding", bounding },		{ "keep-capabilities", keep_capabilities },
	{ "groups", supplementary },		{ "user", user },
	{ "capabilities", capabilities },	{ "ambient", ambient },
	{ "cwd", working_directory },		{ "no-new-privileges", no_new_privileges },
	{ "filter", install_filter },
};

static void read_filter(const char *path)
{
	static struct sock_filter instructions[BPF_MAXINSNS];
	FILE *file = fopen(path, "re");
	if (!file)
		die("open", path);
	filter.len = (unsigned short)fread(instructions, sizeof *instructions, BPF_MAXINSNS, file);
	filter.filter = instructions;
	fclose(file);
}

static void take_line(char *line)
{
	char *name = strsep(&line, "\t");
	struct step step = { 0 };
	while (line && step.count < FIELDS) {
		char *field = strsep(&line, "\t");
		step.number[step.count] = strtoull(field, NULL, 0);
		step.text[step.count++] = strdup(field);
	}
	if (line || step_count == STEPS || limit_count == STEPS || group_count == 32 || argument_count == 63 ||
	    environment_count == 255) {
		errno = E2BIG;
		die("read", name);
	}
	if (!strcmp(name, "clone"))
		clone_flags = step.number[0];
	else if (!strcmp(name, "group"))
		groups[group_count++] = (struct place){ step.text[1], (int)step.number[0] == 2, -1 };
	else if (!strcmp(name, "limit"))
		limits[limit_count++] = step;
	else if (!strcmp(name, "argument"))
		arguments[argument_count++] = step.text[0];
	else if (!strcmp(name, "variable"))
		environment[environment_count++] = step.text[0];
	else {
		if (!strcmp(name, "filter"))
			read_filter(step.text[0]);
		for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
			if (!strcmp(name, verbs[i].name))
				step.act = verbs[i].act;
		if (!step.act) {
			errno = ENOSYS;
			die("read", name);
		}
		step.text[FIELDS - 1] = strdup(name);
		steps[step_count++] = step;
	}
}

static void read_plan(const char *path)
{
	static char line[1 << 16];
	FILE *file = fopen(path, "re");
	if (!file)
		die("open", path);
	while (fgets(line, sizeof line, file)) {
		line[strcspn(line, "\n")] = 0;
		if (*line)
			take_line(line);
	}
	fclose(file);
}

static _Noreturn void be_container(void)
{
	for (int i = 0; i < step_count; i++)
		if (steps[i].act(&steps[i]) < 0)
			die(steps[i].text[FIELDS - 1], steps[i].count ? steps[i].text[0] : "");
	execve(arguments[0], arguments, environment);
	die("execve", arguments[0]);
	_exit(99);
}

static void make_groups(void)
{
	for (int i = 0; i < group_count; i++)
		if (mkdir(groups[i].directory, 0755) < 0)
			die("mkdir", groups[i].directory);
	for (int i = 0; i < limit_count; i++)
		if (put(limits[i].text[0], limits[i].text[1]) < 0)
			die("limit", limits[i].text[0]);
	for (int i = 0; i < group_count; i++) {
		char path[4096];
		snprintf(path, sizeof path, "%s%s", groups[i].directory, groups[i].v2 ? "" : "/tasks");
		groups[i].entry = open(path, (groups[i].v2 ? O_RDONLY | O_DIRECTORY : O_WRONLY) | O_CLOEXEC);
		if (groups[i].entry < 0)
			die("open", path);
	}
}

static void remove_groups(void)
{
	for (int i = 0; i < group_count; i++) {
		close(groups[i].entry);
		/* A v1 group lets go of its last task a moment after that was reaped. */
		for (int try = 0; rmdir(groups[i].directory) < 0; try++) {
			if (errno != EBUSY || try > 1000)
				die("rmdir", groups[i].directory);
			usleep(100);
		}
	}
}

static int launch_plan(void)
{
	struct clone_args request = { .flags = clone_flags, .exit_signal = SIGCHLD };
	make_groups();
	for (int i = 0; i < group_count; i++)
		if (groups[i].v2) {
			request.flags |= CLONE_INTO_CGROUP;
			request.cgroup = (uint64_t)groups[i].entry;
		}
	long pid = syscall(SYS_clone3, &request, sizeof request);
	if (pid < 0)
		die("clone3", "");
	if (pid == 0)
		be_container();
	int status;
	if (waitpid((pid_t)pid, &status, 0) < 0)
		die("waitpid", "");
	return status;
}

static int launch_command(char *const *command, unsigned long number)
{
	char *copy[64] = { 0 }, digits[32];
	snprintf(digits, sizeof digits, "%lu", number);
	for (int i = 0; command[i] && i < 63; i++) {
		char *mark = strstr(command[i], "%n");
		copy[i] = command[i];
		if (mark && asprintf(&copy[i], "%.*s%s%s", (int)(mark - command[i]), command[i], digits, mark + 2) < 0)
			die("asprintf", "");
	}
	pid_t pid;
	int status;
	errno = posix_spawnp(&pid, copy[0], NULL, NULL, copy, environ);
	if (errno)
		die("spawn", copy[0]);
	if (waitpid(pid, &status, 0) < 0)
		die("waitpid", copy[0]);
	return status;
}

static int dump_filter(pid_t pid)
{
	static struct sock_filter instructions[BPF_MAXINSNS];
	if (ptrace(PTRACE_SEIZE, pid, 0, 0) < 0 || ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0)
		die("ptrace", "PTRACE_SEIZE");
	if (waitpid(pid, NULL, __WALL) < 0)
		die("waitpid", "");
	long count = ptrace(PTRACE_SECCOMP_GET_FILTER, pid, 0, instructions);
	int error = errno;
	ptrace(PTRACE_DETACH, pid, 0, 0);
	errno = error;
	if (count < 0)
		die("ptrace", "PTRACE_SECCOMP_GET_FILTER");
	return fwrite(instructions, sizeof *instructions, (size_t)count, stdout) == (size_t)count ? 0 : 1;
}

int main(int argc, char **argv)
{
	int plan = argc == 3 && !strcmp(argv[1], "plan");
	if (argc == 3 && !strcmp(argv[1], "filter"))
		return dump_filter((pid_t)atoi(argv[2]));
	if (!plan && (argc < 3 || strcmp(argv[1], "command"))) {
		fprintf(stderr, "usage: floor plan FILE | command ARGV... | filter PID\n");
		return 2;
	}
	if (plan)
		read_plan(argv[2]);
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	umask(0);
	char line[64];
	for (unsigned long number = 0; fgets(line, sizeof line, stdin);) {
		int count = 0, pause_ms = 0;
		if (sscanf(line, "%d %d", &count, &pause_ms) != 2)
			return 2;
		for (int i = 0; i < count; i++) {
			if (pause_ms)
				usleep((useconds_t)pause_ms * 1000);
			uint64_t start = now();
			int status = plan ? launch_plan() : launch_command(argv + 2, number++);
			uint64_t ended = now();
			if (plan)
				remove_groups();
			if (status) {
				fprintf(stderr, "floor: %s ended with status %#x\n", argv[2], status);
				return 1;
			}
			printf("%llu %llu\n", (unsigned long long)(ended - start), (unsigned long long)(now() - start));
		}
		fflush(stdout);
	}
	return 0;
}
