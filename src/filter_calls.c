/*
 * filter_calls.c - every system call that a confined process may make, and why
 *
 * Also those that it is killed for: they are what somebody tries who has taken
 * it over, and no library does.  All others get ENOSYS.
 */
#include "config.h"

#include "filter.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define W FILTER_WORKER
#define S FILTER_SIGNER
#define K FILTER_KEEPER
#define ALL FILTER_ALL

/* As linux/fcntl.h has them; the C library has them only for some. */
#define GET_SEALS 1034
#define ADD_SEALS 1033

/* Where fcntl(2) takes another lock structure, it has other numbers, too. */
#define SET_LOCK_64 13
#define OPEN_FILE_SET_LOCK 37

#define MAY(call, who, why) { call, who, FILTER_PERMIT, why, 0, 0, 0 }
#define MAY_IF(call, who, argument, mask, value, why) \
	{ call, who, FILTER_PERMIT, why, argument, mask, value }
/* An int: the kernel does not look at the upper half. */
#define MAY_WITH(call, who, argument, value, why) \
	MAY_IF(call, who, argument, 0xffffffff, value, why)
#define MAY_FCNTL(command, who, why) \
	MAY_WITH("fcntl", who, 1, command, why), \
	MAY_WITH("fcntl64", who, 1, command, why)
#define DIES(call, who) { call, who, FILTER_KILL, "attack", 0, 0, 0 }
#define DIES_IF(call, who, argument, mask, value) \
	{ call, who, FILTER_KILL, "attack", argument, mask, value }
#define REFUSED(call, who, why) { call, who, FILTER_REFUSE, why, 0, 0, 0 }

/*
 * Of memory, nothing that was written can ever be run.  Not where the kernel
 * has the arguments of mmap in memory, which no filter can read (s390); on i386
 * the same is true of the older mmap, which nothing uses.
 */
#ifdef __s390__
#define MAP(call, who, why) MAY(call, who, why)
#else
#define MAP(call, who, why) \
	MAY_IF(call, who, 2, PROT_EXEC, 0, why), \
	DIES_IF(call, who, 2, PROT_EXEC, PROT_EXEC)
#endif

/* Where one call stands for all of sockets, no filter sees its arguments. */
#if defined(__i386__) || defined(__s390__)
#define MAY_SET(level, who, why) MAY("setsockopt", who, why)
#else
#define MAY_SET(level, who, why) MAY_WITH("setsockopt", who, 1, level, why)
#endif

#ifdef __s390__
#define CLONE_FLAGS 1	/* there, the stack comes first */
#else
#define CLONE_FLAGS 0
#endif

const struct filter_call filter_calls[] = {
	/* What each of them does: wait for a record, answer it, end. */
	MAY("recvmsg", ALL, "records, with descriptors; the client"),
	MAY("sendmsg", ALL, "the same; GnuTLS's records"),
	MAY("poll", ALL, "wait for the partner, no longer than it may take"),
	MAY("ppoll", ALL, "poll() where there is no such call"),
	MAY("ppoll_time64", ALL, "the same with a 64-bit time_t"),
	MAY("close", ALL, "descriptors that came with records"),
	MAY("exit", ALL, "the end of a thread"),
	MAY("exit_group", ALL, "the end"),
	MAY("restart_syscall", ALL, "poll() after SIGSTOP and SIGCONT"),
	MAY("rt_sigreturn", ALL, "the end of a signal handler"),
	MAY("sigreturn", ALL, "the same on older processors"),
	MAY("rt_sigprocmask", ALL, "threads, and abort() at a bug"),
	MAY("rt_sigaction", ALL, "abort(); the keeper's time limits"),
	MAY("brk", ALL, "memory"),
	MAY("munmap", ALL, "memory"),
	MAY("mremap", ALL, "memory"),
	MAY("madvise", ALL, "memory given back"),
	MAP("mprotect", ALL, "memory of threads; it can't become code"),
#ifndef __i386__
	MAP("mmap", ALL, "memory, the listing; it can't become code"),
#endif
	MAP("mmap2", ALL, "memory, the listing; it can't become code"),
	MAY("futex", ALL, "locks in the C library and GnuTLS"),
	MAY("futex_time64", ALL, "the same with a 64-bit time_t"),
	MAY("getrandom", ALL, "keys, nonces, blinding"),
	MAY("getpid", ALL, "GnuTLS asks whether it was forked; syslog"),
	MAY("gettid", ALL, "abort(), locks"),
	MAY("clock_gettime", ALL, "deadlines, where the vDSO has it not"),
	MAY("clock_gettime64", ALL, "the same with a 64-bit time_t"),
	MAY("gettimeofday", ALL, "the same, for GnuTLS"),
	MAY("time", ALL, "the same, for GnuTLS"),
	MAY("getrusage", ALL, "GnuTLS's random generator"),
	MAY("nanosleep", ALL, "GnuTLS"),
	MAY("clock_nanosleep", ALL, "GnuTLS"),
	MAY("clock_nanosleep_time64", ALL, "the same with a 64-bit time_t"),
	MAY_FCNTL(F_GETFL, ALL, "sockets that must not block"),
	MAY_FCNTL(F_SETFL, ALL, "sockets that must not block"),
	MAY_FCNTL(F_GETFD, ALL, "the C library looks at what it is given"),
	MAY_FCNTL(F_SETFD, ALL, "close-on-exec on older kernels"),

	/* The worker: a client's socket, and what the keeper opened. */
	MAY("recvfrom", W | K, "the client; syslog"),
	MAY("recv", W | K, "the same on older processors"),
	MAY("sendto", W | K, "the client; syslog"),
	MAY("send", W | K, "the same on older processors"),
	MAY("read", W | K, "a message, in the order of its octets"),
	MAY("write", W | K, "GnuTLS; the log on standard error"),
	MAY("writev", W | K, "GnuTLS; the C library's output"),
	MAY("shutdown", W, "say goodbye so that nothing said is lost"),
	MAY("getsockopt", W, "what the client has acknowledged"),
	MAY_SET(IPPROTO_TCP, W, "replies leave at once, or together"),
	MAY_SET(SOL_SOCKET, W, "a client's host that is gone is noticed"),
	MAY_WITH("ioctl", W, 1, TIOCOUTQ, "what is still to be sent"),
	MAY("fstat", W | K, "that a descriptor is what it should be"),
	MAY("fstat64", W | K, "the same on 32-bit processors"),
	MAY("statx", W | K, "the same with a 64-bit time_t"),
	MAY_IF("newfstatat", W, 3, 0x1000, 0x1000, "fstat() as glibc does it"),
	MAY_IF("fstatat64", W, 3, 0x1000, 0x1000, "the same on 32 bits"),
	MAY_FCNTL(GET_SEALS, W | K, "that nobody can change the listing"),

	/* The keeper: the files of one Maildir, which Landlock keeps it in. */
	MAY("openat", K, "messages, the index, other servers' files"),
	MAY("open", K, "the same in other C libraries"),
	MAY("openat2", K, "a folder that can't be outside"),
	MAY("newfstatat", K, "new/ and cur/: what has changed"),
	MAY("fstatat64", K, "the same on 32-bit processors"),
	MAY("stat", K, "the same in other C libraries"),
	MAY("stat64", K, "the same in other C libraries"),
	MAY("lstat", K, "the same in other C libraries"),
	MAY("lstat64", K, "the same in other C libraries"),
	MAY("faccessat", K, "whether there is a new/ or cur/"),
	MAY("faccessat2", K, "the same in newer C libraries"),
	MAY("access", K, "the same in other C libraries"),
	MAY("getdents64", K, "the names in new/ and cur/"),
	MAY("getdents", K, "the same in older C libraries"),
	MAY("pread64", K, "messages, the index, who holds the lock"),
	MAY("pwrite64", K, "the index, who holds the lock"),
	MAY("lseek", K, "how long a file is"),
	MAY("_llseek", K, "the same on 32-bit processors"),
	MAY("ftruncate", K, "the index, the listing, the lock's holder"),
	MAY("ftruncate64", K, "the same on 32-bit processors"),
	MAY("fsync", K, "what is removed stays removed"),
	MAY("fdatasync", K, "the same, for a file"),
	MAY("flock", K, "one session per maildrop"),
	MAY("rename", K, "renameat() in other C libraries"),
	MAY("renameat", K, "a new index; the flag S; the trash"),
	MAY("renameat2", K, "the same, never over another message"),
	MAY("linkat", K, "the same where renameat2() can't; copies"),
	MAY("unlinkat", K, "messages, at QUIT"),
	MAY("unlink", K, "unlinkat() in other C libraries"),
	MAY("mkdirat", K, "the trash"),
	MAY("mkdir", K, "mkdirat() in other C libraries"),
	MAY("utimensat", K, "when the trash was last looked through"),
	MAY("utimensat_time64", K, "the same with a 64-bit time_t"),
	MAY("memfd_create", K, "the listing"),
	MAY("alarm", K, "the time limit of a login"),
	MAY("setitimer", K, "alarm() where there is no such call"),
	MAY("sysinfo", K, "qsort() asks how much memory there is"),
	MAY("sched_getaffinity", K, "how many threads are of use"),
	MAY_FCNTL(ADD_SEALS, K, "nobody can change the listing"),
	MAY_FCNTL(F_SETLK, K, "one session per maildrop, also on NFS"),
#if F_SETLK != SET_LOCK_64
	MAY_FCNTL(SET_LOCK_64, K, "the same with 64-bit offsets"),
#endif
	MAY_FCNTL(OPEN_FILE_SET_LOCK, K, "the same, of a descriptor"),

	/* Threads count messages; they are no processes. */
	MAY_IF("clone", K, CLONE_FLAGS, CLONE_THREAD, CLONE_THREAD,
		"a thread; clone3() gets ENOSYS: its flags can't be seen"),
	DIES_IF("clone", K, CLONE_FLAGS, CLONE_THREAD, 0),
	DIES("clone", W | S),
	MAY("set_robust_list", K, "a thread begins"),
	MAY("rseq", K, "a thread begins"),
	MAY("set_tid_address", K, "a thread begins"),
	MAY("sched_yield", K, "a lock that another thread holds"),

	REFUSED("socket", K, "a syslog that was restarted: that line is lost"),
	REFUSED("connect", K, "the same"),
	DIES("socket", W | S),
	DIES("connect", W | S),

#ifdef KEEP_STDERR
	/* A build for tests: AddressSanitizer keeps its books, and reports. */
	MAY("sigaltstack", ALL, "sanitizers: threads"),
	MAY("sched_yield", W | S, "sanitizers: their locks"),
	MAY("write", S, "sanitizers: a report"),
	REFUSED("openat", W | S, "sanitizers: a report looks for symbols"),
	REFUSED("open", W | S, "sanitizers: a report looks for symbols"),
	REFUSED("readlink", ALL, "sanitizers: a report looks for symbols"),
	REFUSED("readlinkat", ALL, "sanitizers: a report looks for symbols"),
#else
	DIES("openat", W | S),
	DIES("open", W | S),
#endif

	/* Files, for those who have none. */
	DIES("openat2", W | S), DIES("creat", ALL),
	DIES("open_by_handle_at", ALL), DIES("name_to_handle_at", ALL),
	DIES("rename", W | S), DIES("renameat", W | S),
	DIES("renameat2", W | S), DIES("link", ALL), DIES("linkat", W | S),
	DIES("symlink", ALL), DIES("symlinkat", ALL),
	DIES("unlink", W | S), DIES("unlinkat", W | S), DIES("rmdir", ALL),
	DIES("mkdir", W | S), DIES("mkdirat", W | S),
	DIES("mknod", ALL), DIES("mknodat", ALL),
	DIES("chmod", ALL), DIES("fchmod", ALL), DIES("fchmodat", ALL),
	DIES("chown", ALL), DIES("fchown", ALL), DIES("lchown", ALL),
	DIES("fchownat", ALL), DIES("truncate", ALL),
	DIES("memfd_create", W | S), DIES("chdir", ALL), DIES("fchdir", ALL),

	/* The network. */
	DIES("bind", ALL), DIES("listen", ALL), DIES("accept", ALL),
	DIES("accept4", ALL), DIES("socketpair", ALL),

	/* Other programs and processes. */
	DIES("execve", ALL), DIES("execveat", ALL), DIES("fork", ALL),
	DIES("vfork", ALL), DIES("ptrace", ALL),
	DIES("process_vm_readv", ALL), DIES("process_vm_writev", ALL),
	DIES("kill", ALL), DIES("tkill", ALL),
	/* abort() ends here, too: a bug looks like the attack it may be. */
	DIES("tgkill", ALL), DIES("rt_sigqueueinfo", ALL),
	DIES("rt_tgsigqueueinfo", ALL), DIES("pidfd_open", ALL),
	DIES("pidfd_send_signal", ALL), DIES("pidfd_getfd", ALL),

	/* Privileges, and the less used parts of the kernel. */
	DIES("setuid", ALL), DIES("setgid", ALL), DIES("setreuid", ALL),
	DIES("setregid", ALL), DIES("setresuid", ALL), DIES("setresgid", ALL),
	DIES("setgroups", ALL), DIES("setfsuid", ALL), DIES("setfsgid", ALL),
	DIES("capset", ALL), DIES("unshare", ALL), DIES("setns", ALL),
	DIES("chroot", ALL), DIES("pivot_root", ALL), DIES("mount", ALL),
	DIES("umount2", ALL), DIES("bpf", ALL), DIES("perf_event_open", ALL),
	DIES("userfaultfd", ALL), DIES("keyctl", ALL), DIES("add_key", ALL),
	DIES("request_key", ALL), DIES("io_uring_setup", ALL),
	DIES("io_setup", ALL), DIES("init_module", ALL),
	DIES("finit_module", ALL), DIES("delete_module", ALL),
	DIES("kexec_load", ALL), DIES("kexec_file_load", ALL),
	DIES("modify_ldt", ALL), DIES("pkey_mprotect", ALL),
	DIES("personality", ALL), DIES("remap_file_pages", ALL),
};

const size_t filter_call_count =
	sizeof(filter_calls) / sizeof(filter_calls[0]);
