// What a person sees: errors with the line and a caret, colours only where wanted, tables, times.
// Text from outside is escaped by whoever renders: everything in this header escapes what it is given.
#pragma once

#include "shared/base/clock.hpp"
#include "shared/base/error.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::shared {

enum class Colour { None, Green, Red, Yellow, Dim, Bold };

// Whether a stream is a terminal and whether colours are wanted there: NO_COLOR, CLICOLOR_FORCE, CI and
// TERM=dumb obeyed.
struct Face {
    bool terminal = false;  // lines may be rewritten
    bool colours = false;
    int width = 80;  // columns; 80 where unknown

    [[nodiscard]] static Face of(int fd);
    [[nodiscard]] std::string paint(Colour colour, std::string_view text) const;
};

// "tidegate: MESSAGE: FILE:LINE:COLUMN\n" with the line and caret, then the hint indented. `program` is
// argv[0]'s name.
[[nodiscard]] std::string render_error(const Error& error, std::string_view program, const Face& face);
// render_error to standard error, and the exit code for it: `return report(error, "tidegate");`
int report(const Error& error, std::string_view program);

// Columns padded to the widest cell (by terminal columns), two spaces between, no trailing blanks. Cells are
// escaped.
class Table {
  public:
    explicit Table(std::vector<std::string> header) : header_(std::move(header)) {}
    void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
    void paint(Colour colour, size_t column) {
        colours_.push_back({rows_.size() - 1, column, colour});
    }  // of the last row
    [[nodiscard]] std::string render(const Face& face) const;

  private:
    struct Painted {
        size_t row;
        size_t column;
        Colour colour;
    };
    std::vector<std::string> header_;
    std::vector<std::vector<std::string>> rows_;
    std::vector<Painted> colours_;
};

// How many terminal columns a UTF-8 text takes (wide characters count two, combining ones none).
[[nodiscard]] size_t columns_of(std::string_view text);
// Cut to `columns` with "…".
[[nodiscard]] std::string cut_to(std::string_view text, size_t columns);

// "4s ago", "2m ago", "3d ago"; "just now" below one second.
[[nodiscard]] std::string ago(WallTime then, WallTime now);
// "today 23:27", "Tue 10:02" within a week, "2026-11-02 10:02" before; local time.
[[nodiscard]] std::string calendar(WallTime then, WallTime now);

}  // namespace tidegate::shared
