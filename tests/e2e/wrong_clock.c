/* Runs a program whose clock of the day is wrong, with nothing put into it: its system calls that read the clock are
 * stopped behind the kernel, and the answers moved.
 *
 *   wrong_clock SECONDS PROGRAM ARGUMENT...     SECONDS ahead; below 0: behind
 *
 * At each exec the vDSO, which reads the clock without a system call, is hidden from the program; a seccomp filter stops it
 * (PTRACE_EVENT_SECCOMP) at clock_gettime, gettimeofday and time alone. Threads and children are followed. Monotonic clocks
 * stay right. Ends as the program does; SIGTERM is passed on. Status 77: tracing is not allowed here. */

#include <elf.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NOT_POSSIBLE 77
#define OPTIONS                                                                                    \
    (PTRACE_O_TRACEEXEC | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |         \
     PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)

static long ahead;
static pid_t first;

static void pass_on(int number)
{
    kill(first, number);
}

static void become(char **words)
{
    const struct sock_filter rows[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clock_gettime, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_gettimeofday, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_time, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
    };
    const struct sock_fprog filter = {sizeof rows / sizeof rows[0], (struct sock_filter *)rows};
    if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0)
        _exit(NOT_POSSIBLE);
    raise(SIGSTOP); /* until the parent has set its options */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
        _exit(NOT_POSSIBLE);
    execvp(words[0], words);
    _exit(127);
}

/* The auxiliary vector lies behind arguments and environment on the new stack. */
static void hide_vdso(pid_t pid)
{
    struct user_regs_struct regs;
    if (ptrace(PTRACE_GETREGS, pid, 0, &regs) != 0)
        return;
    unsigned long at = regs.rsp + sizeof(long);
    for (int lists = 0; lists < 2; at += sizeof(long))
        lists += ptrace(PTRACE_PEEKDATA, pid, at, 0) == 0;
    for (long kind; (kind = ptrace(PTRACE_PEEKDATA, pid, at, 0)) != AT_NULL; at += 2 * sizeof(long))
        if (kind == AT_SYSINFO_EHDR)
            ptrace(PTRACE_POKEDATA, pid, at, AT_IGNORE);
}

static void move_seconds(pid_t pid, unsigned long at)
{
    errno = 0;
    const long seconds = ptrace(PTRACE_PEEKDATA, pid, at, 0);
    if (!errno)
        ptrace(PTRACE_POKEDATA, pid, at, seconds + ahead);
}

/* Behind the call; all three have seconds first. */
static void move_clock(pid_t pid)
{
    struct user_regs_struct regs;
    if (ptrace(PTRACE_GETREGS, pid, 0, &regs) != 0 || (long)regs.rax < 0)
        return;
    const bool day = regs.rdi == CLOCK_REALTIME || regs.rdi == CLOCK_REALTIME_COARSE;
    if (regs.orig_rax == SYS_clock_gettime && day) {
        move_seconds(pid, regs.rsi);
    } else if (regs.orig_rax == SYS_gettimeofday && regs.rdi) {
        move_seconds(pid, regs.rdi);
    } else if (regs.orig_rax == SYS_time) {
        if (regs.rdi)
            move_seconds(pid, regs.rdi);
        regs.rax += (unsigned long)ahead;
        ptrace(PTRACE_SETREGS, pid, 0, &regs);
    }
}

static void go_on(pid_t pid, int status)
{
    const int number = WSTOPSIG(status), event = status >> 16;
    if (event == PTRACE_EVENT_SECCOMP) {
        ptrace(PTRACE_SYSCALL, pid, 0, 0); /* stops once more, behind the call */
        return;
    }
    if (event == PTRACE_EVENT_EXEC)
        hide_vdso(pid);
    if (number == (SIGTRAP | 0x80))
        move_clock(pid);
    const bool ours = event || number == (SIGTRAP | 0x80) || number == SIGSTOP;
    ptrace(PTRACE_CONT, pid, 0, ours ? 0 : number);
}

int main(int argc, char **argv)
{
    int status;
    if (argc < 3) {
        fprintf(stderr, "wrong_clock SECONDS PROGRAM ARGUMENT...\n");
        return 2;
    }
    ahead = strtol(argv[1], NULL, 10);
    first = fork();
    if (first == 0)
        become(argv + 2);
    signal(SIGTERM, pass_on);
    signal(SIGINT, pass_on);
    if (waitpid(first, &status, 0) < 0 || !WIFSTOPPED(status) ||
        ptrace(PTRACE_SETOPTIONS, first, 0, OPTIONS) != 0)
        return NOT_POSSIBLE;
    ptrace(PTRACE_CONT, first, 0, 0);
    for (;;) {
        const pid_t pid = waitpid(-1, &status, __WALL);
        if (pid < 0 && errno == EINTR)
            continue;
        if (pid < 0)
            return NOT_POSSIBLE;
        if (WIFSTOPPED(status))
            go_on(pid, status);
        else if (pid == first)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
}
