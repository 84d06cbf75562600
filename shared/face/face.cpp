#include "shared/face/face.hpp"

#include "shared/base/text.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cwchar>

namespace tidegate::shared {

namespace {

bool is_set(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0';
}

bool wants_colours(bool terminal) {
    const char* forced = std::getenv("CLICOLOR_FORCE");
    if (is_set("NO_COLOR")) return false;
    if (forced != nullptr && std::string_view(forced) != "0" && *forced != '\0') return true;
    const char* term = std::getenv("TERM");
    const bool dumb = term == nullptr || std::string_view(term) == "dumb";
    return terminal && !dumb && !is_set("CI");
}

std::string_view code_of(Colour colour) {
    switch (colour) {
        case Colour::Green: return "\x1b[32m";
        case Colour::Red: return "\x1b[31m";
        case Colour::Yellow: return "\x1b[33m";
        case Colour::Dim: return "\x1b[2m";
        case Colour::Bold: return "\x1b[1m";
        case Colour::None: break;
    }
    return "";
}

std::string indented(std::string_view text, std::string_view indent) {
    std::string result;
    for (const auto line : lines_of(text)) result += std::string(indent) + escape_foreign(line) + "\n";
    return result;
}

// The line with its number, and a caret under the columns that are meant. Tabs become single spaces in both,
// and a long line is shown around the place.
std::string picture(const Where& where, const Face& face) {
    std::string line = escape_foreign_block(where.text);
    std::replace(line.begin(), line.end(), '\t', ' ');
    // Escaping may have moved the column: count it again over the escaped beginning.
    const auto begin = static_cast<size_t>(std::max(where.column - 1, 0));
    size_t offset = escape_foreign_block(std::string_view(where.text).substr(0, begin)).size();
    constexpr size_t kShown = 100;
    if (line.size() > kShown && offset > kShown / 2) {
        const size_t cut = std::min(offset - kShown / 2, line.size());
        line = "…" + line.substr(cut);
        offset = offset - cut + 3;  // "…" is three bytes, one column
    }
    const size_t column = columns_of(std::string_view(line).substr(0, std::min(offset, line.size())));
    line = cut_to(line, kShown);
    const auto room = columns_of(line) > column ? columns_of(line) - column : 1;
    const auto width =
        std::clamp<size_t>(static_cast<size_t>(std::max(where.width, 1)), 1, std::max<size_t>(room, 1));
    char number[16];
    std::snprintf(number, sizeof number, "%7d | ", where.line);
    const std::string caret = "^" + std::string(width - 1, '~');
    return std::string(number) + line + "\n" + "        | " + std::string(column, ' ') +
           face.paint(Colour::Red, caret) + "\n";
}

}  // namespace

Face Face::of(int fd) {
    Face face;
    const char* term = std::getenv("TERM");
    const bool dumb = term == nullptr || std::string_view(term) == "dumb";
    const bool tty = isatty(fd) == 1;
    face.terminal = tty && !dumb && !is_set("CI");
    face.colours = wants_colours(tty);
    winsize size{};
    if (tty && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) face.width = size.ws_col;
    return face;
}

std::string Face::paint(Colour colour, std::string_view text) const {
    if (!colours || colour == Colour::None) return std::string(text);
    return std::string(code_of(colour)) + std::string(text) + "\x1b[0m";
}

std::string render_error(const Error& error, std::string_view program, const Face& face) {
    std::string text =
        std::string(program) + ": " + face.paint(Colour::Bold, escape_foreign(error.line())) + "\n";
    if (error.where && error.where->line > 0 && !error.where->text.empty())
        text += picture(*error.where, face);
    if (!error.hint.empty()) text += indented(error.hint, "  ");
    return text;
}

int report(const Error& error, std::string_view program) {
    const auto text = render_error(error, program, Face::of(STDERR_FILENO));
    std::fwrite(text.data(), 1, text.size(), stderr);
    return exit_code(error.kind);
}

std::string Table::render(const Face& face) const {
    auto rows = rows_;
    for (auto& row : rows)
        for (auto& cell : row) cell = escape_foreign(cell);
    std::vector<size_t> widths(header_.size());
    for (size_t c = 0; c < header_.size(); ++c) {
        widths[c] = columns_of(header_[c]);
        for (const auto& row : rows)
            if (c < row.size()) widths[c] = std::max(widths[c], columns_of(row[c]));
    }
    const auto colour_at = [&](size_t row, size_t column) {
        for (const auto& painted : colours_)
            if (painted.row == row && painted.column == column) return painted.colour;
        return Colour::None;
    };
    const auto line = [&](const std::vector<std::string>& cells, auto&& colour_of) {
        std::string text;
        size_t owed = 0;  // blanks that only matter when something follows
        for (size_t c = 0; c < cells.size() && c < widths.size(); ++c) {
            if (!cells[c].empty()) text += std::string(owed, ' ') + face.paint(colour_of(c), cells[c]);
            owed = (cells[c].empty() ? owed : 0) + widths[c] - columns_of(cells[c]) + 2;
        }
        return text + "\n";
    };
    std::string text = line(header_, [](size_t) { return Colour::Dim; });
    for (size_t r = 0; r < rows.size(); ++r) text += line(rows[r], [&](size_t c) { return colour_at(r, c); });
    return text;
}

namespace {

struct Glyph {
    size_t bytes = 1;
    size_t columns = 1;
};

Glyph glyph_at(std::string_view text) {
    const auto first = static_cast<unsigned char>(text.front());
    const size_t length = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1;
    if (length == 1 || text.size() < length) return {};
    std::uint32_t value = first & (0xFFU >> (length + 1));
    for (size_t i = 1; i < length; ++i) value = (value << 6) | (static_cast<unsigned char>(text[i]) & 0x3FU);
    const bool combining = (value >= 0x300 && value <= 0x36F) || value == 0x200B || value == 0x200D ||
                           (value >= 0xFE00 && value <= 0xFE0F);
    const bool wide = (value >= 0x1100 && value <= 0x115F) || (value >= 0x2E80 && value <= 0xA4CF) ||
                      (value >= 0xAC00 && value <= 0xD7A3) || (value >= 0xF900 && value <= 0xFAFF) ||
                      (value >= 0xFE30 && value <= 0xFE6F) || (value >= 0xFF00 && value <= 0xFF60) ||
                      (value >= 0x1F300 && value <= 0x1FAFF) || (value >= 0x20000 && value <= 0x3FFFD);
    return {length, combining ? 0U : wide ? 2U : 1U};
}

}  // namespace

size_t columns_of(std::string_view text) {
    size_t columns = 0;
    while (!text.empty()) {
        const auto glyph = glyph_at(text);
        columns += glyph.columns;
        text.remove_prefix(glyph.bytes);
    }
    return columns;
}

std::string cut_to(std::string_view text, size_t columns) {
    if (columns_of(text) <= columns) return std::string(text);
    std::string kept;
    size_t used = 0;
    while (!text.empty()) {
        const auto glyph = glyph_at(text);
        if (used + glyph.columns + 1 > columns) break;
        kept += text.substr(0, glyph.bytes);
        used += glyph.columns;
        text.remove_prefix(glyph.bytes);
    }
    return columns == 0 ? "" : kept + "…";
}

std::string ago(WallTime then, WallTime now) {
    const auto passed = std::chrono::duration_cast<std::chrono::seconds>(now - then).count();
    if (passed < 1) return "just now";
    if (passed < 60) return std::to_string(passed) + "s ago";
    if (passed < 3600) return std::to_string(passed / 60) + "m ago";
    if (passed < 86'400) return std::to_string(passed / 3600) + "h ago";
    return std::to_string(passed / 86'400) + "d ago";
}

std::string calendar(WallTime then, WallTime now) {
    const auto parts = [](WallTime time) {
        const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
        std::tm local{};
        localtime_r(&seconds, &local);
        return local;
    };
    const auto event = parts(then);
    const auto today = parts(now);
    const bool same_day = event.tm_year == today.tm_year && event.tm_yday == today.tm_yday;
    const bool same_week = now >= then && now - then < std::chrono::hours(24 * 6);
    char buffer[64];
    std::strftime(buffer, sizeof buffer,
                  same_day    ? "today %H:%M"
                  : same_week ? "%a %H:%M"
                              : "%Y-%m-%d %H:%M",
                  &event);
    return buffer;
}

}  // namespace tidegate::shared
