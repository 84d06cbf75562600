// Runs a command and prints what it cost: wall, user and system time in microseconds, peak memory of its largest
// process in KiB, and its exit status. A program of its own because a child of Python starts with Python's memory,
// and ru_maxrss never goes back. What the command writes to standard output is dropped.
#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

extern char** environ;

int main(int argc, char** argv) {
    if (argc < 2) return 2;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    const auto begun = std::chrono::steady_clock::now();
    pid_t pid = -1;
    if (posix_spawnp(&pid, argv[1], &actions, nullptr, argv + 1, environ) != 0) {
        std::perror(argv[1]);
        return 127;
    }
    int status = 0;
    rusage used{};
    if (wait4(pid, &status, 0, &used) != pid) return 127;
    const auto wall =
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begun);
    const auto micros = [](const timeval& time) { return time.tv_sec * 1000000L + time.tv_usec; };
    std::printf("%ld %ld %ld %ld %d\n", static_cast<long>(wall.count()), micros(used.ru_utime),
                micros(used.ru_stime), used.ru_maxrss,
                WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return 0;
}
