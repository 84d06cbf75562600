#!/usr/bin/env python3
"""terminal.py COLUMNS ROWS OPTIONS… -- COMMAND…: runs it on a pseudo-terminal, and prints what such a terminal shows in
the end: what has scrolled away, then the screen. The exit code is the command's.

--interrupt FILE      types Ctrl-C once FILE exists
--resize FILE COLUMNS makes the window so wide once FILE exists, and then FILE.resized
--raw FILE            keeps the bytes as they came

The terminal knows lines that are too long for it (they take several rows, and are broken anew when the window changes,
as most terminals do), carriage return, line feed, cursor up, and erasing to the end of line and screen. Anything else
is an error: a program that writes it is not tested by this.
"""
import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time
import unicodedata


class Terminal:
    def __init__(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.lines = [[]]  # as written; a wide character takes two cells, the second ""
        self.line, self.at = 0, 0
        self.top = 0  # rows that have scrolled away: the cursor does not get there
        self.pending = ""

    def height(self, line):
        return max(1, -(-len(self.lines[line]) // self.columns))

    def row(self):
        return sum(self.height(line) for line in range(self.line)) + min(self.at // self.columns, self.height(self.line) - 1)

    def go_to_row(self, row):
        for line in range(len(self.lines)):
            if row < self.height(line):
                self.line, self.at = line, row * self.columns + self.at % self.columns
                return
            row -= self.height(line)

    def scroll(self):
        total = sum(self.height(line) for line in range(len(self.lines)))
        self.top = max(self.top, total - self.rows)

    def put(self, char):
        if unicodedata.combining(char):
            return
        cells = [char, ""] if unicodedata.east_asian_width(char) in "WF" else [char]
        line = self.lines[self.line]
        line.extend(" " * (self.at - len(line)))
        line[self.at : self.at + len(cells)] = cells
        self.at += len(cells)
        self.scroll()

    def feed(self, text):
        text = self.pending + text
        parts = re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[^\[]?|\x1b\[[0-9;?]*$|[^\x1b]", text)
        self.pending = parts.pop() if parts and re.fullmatch(r"\x1b(\[[0-9;?]*)?", parts[-1]) else ""
        for part in parts:
            self.take(part)

    def take(self, part):
        if part == "\r":
            self.at -= self.at % self.columns
        elif part == "\n":
            column = self.at % self.columns
            if self.line + 1 == len(self.lines):
                self.lines.append([])
            self.line, self.at = self.line + 1, column
            self.scroll()
        elif not part.startswith("\x1b"):
            if part not in "\x07\b\t":
                self.put(part)
        elif part.endswith("m"):
            pass
        elif part.endswith("A"):
            self.go_to_row(max(self.top, self.row() - int(part[2:-1] or 1)))
        elif part == "\x1b[K":
            del self.lines[self.line][self.at :]
        elif part == "\x1b[J":
            del self.lines[self.line][self.at :]
            del self.lines[self.line + 1 :]
        else:
            sys.exit("terminal.py: not known: %r" % part)

    def resize(self, columns):
        self.columns = columns
        self.scroll()

    def text(self):
        rows = []
        for line in self.lines:
            rows.append("".join(line).rstrip())
        return "\n".join(rows).rstrip("\n")


def main(arguments):
    columns, rows = int(arguments[0]), int(arguments[1])
    options, command = arguments[2 : arguments.index("--")], arguments[arguments.index("--") + 1 :]
    todo, raw = [], None
    while options:
        name = options.pop(0)
        if name == "--raw":
            raw = open(options.pop(0), "wb")
        elif name == "--interrupt":
            todo.append((options.pop(0), None))
        else:
            todo.append((options.pop(0), int(options.pop(0))))
    # The child waits until its window has a size.
    begin, go = os.pipe()
    pid, fd = pty.fork()
    if pid == 0:
        os.read(begin, 1)
        os.environ.setdefault("TERM", "xterm-256color")
        os.execvp(command[0], command)
    set_size = lambda wide: fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, wide, 0, 0))
    set_size(columns)
    os.write(go, b"x")
    terminal = Terminal(columns, rows)
    decoder = __import__("codecs").getincrementaldecoder("utf-8")("replace")
    until = time.monotonic() + 600
    while time.monotonic() < until:
        quiet = not select.select([fd], [], [], 0.02)[0]
        # Only when nothing is on its way: what was drawn for the former width is shown in it, as a person would see it.
        if quiet and todo and os.path.exists(todo[0][0]):
            file, wide = todo.pop(0)
            if wide is None:
                os.write(fd, b"\x03")
            else:
                terminal.resize(wide)
                set_size(wide)
                open(file + ".resized", "w").close()
        if quiet:
            continue
        try:
            data = os.read(fd, 65536)
        except OSError:
            break
        if not data:
            break
        if raw:
            raw.write(data)
        terminal.feed(decoder.decode(data))
    sys.stdout.write(terminal.text() + "\n")
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
