// How the daemon hands a command to tidegate-command, the small program that becomes it. Nothing of it is an argument,
// an environment variable or a file that others could read: a secret goes from memory to memory.
//
// tidegate-command has a socket as its standard input, from which it takes one byte with two descriptors: a file in
// memory that holds the records, and the command's standard input. A record is a letter, a text, and a NUL.
// It answers kReady; then nothing where the command began, else a CommandFault.
#pragma once

namespace tidegate::reconciler {

inline constexpr char kArgument = 'a';      // each word of the command
inline constexpr char kVariable = 'e';      // NAME=value
inline constexpr char kFolder = 'd';        // working directory
inline constexpr char kLimit = 'l';         // RESOURCE=VALUE, of setrlimit(2)
inline constexpr char kNoPrivileges = 'n';  // no new privileges
inline constexpr char kWatch = 'w';         // GRACE in milliseconds: stay, and end all that the command left

inline constexpr char kReady = 'R';

enum class CommandStep : int { Frame, Limits, Folder, Program, Start };
struct CommandFault {
    CommandStep step;
    int code;  // errno
};

}  // namespace tidegate::reconciler
