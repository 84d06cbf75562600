#include "hooks/display.hpp"

#include "hooks/job.hpp"
#include "shared/base/files.hpp"
#include "shared/base/text.hpp"

#include <sys/ioctl.h>

#include <algorithm>
#include <array>

namespace tidegate::hooks {

using namespace shared;

namespace {

constexpr Duration kTick{100};
constexpr size_t kLongestLine = 400;  // of output, kept for the live line
constexpr std::array<std::string_view, 8> kFrames{"⠋", "⠙", "⠸", "⠴", "⠦", "⠧", "⠇", "⠏"};

// Lines and columns now; a person may have made the window smaller meanwhile.
struct Room {
    size_t rows = 24;
    size_t columns = 80;
};
Room room_of(int fd, const Face& face) {
    Room room{24, static_cast<size_t>(std::max(face.width, 20))};
    winsize size{};
    if (ioctl(fd, TIOCGWINSZ, &size) == 0) {
        if (size.ws_row > 0) room.rows = size.ws_row;
        if (size.ws_col > 0) room.columns = size.ws_col;
    }
    return room;
}

// Whole seconds, so that a clock does not flicker; tenths below ten.
std::string clock_text(Duration took) {
    if (took < std::chrono::seconds(10)) {
        const auto tenths = took.count() / 100;
        return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + "s";
    }
    return human_duration(std::chrono::floor<std::chrono::seconds>(took));
}

// Behind a mark, and short of the last column: writing there is different in every terminal.
std::string within(std::string_view text, const Face& face) {
    return cut_to(text, static_cast<size_t>(std::max(face.width - 5, 1)));
}

// Without colours' sequences, which are all that a line of ours holds.
size_t visible_columns(std::string_view line) {
    std::string plain;
    for (size_t i = 0; i < line.size(); ++i) {
        if (line[i] == '\x1b')
            i = std::min(line.find('m', i), line.size() - 1);
        else
            plain += line[i];
    }
    return columns_of(plain);
}

// What a settled line shows, without the output and reports of the gate.
GateRun line_of(const GateRun& run) {
    GateRun line;
    line.gate = run.gate;
    line.outcome = run.outcome;
    line.detail = run.detail;
    line.took = run.took;
    line.files = run.files;
    line.attempts = run.attempts;
    return line;
}

}  // namespace

Display::Display(const Repository& repo, const Target& target, Face face, int fd, Occasion occasion)
    : repo_(repo), target_(target), face_(face), fd_(fd), occasion_(std::move(occasion)) {}

void Display::write(const std::string& text) const {
    (void)write_all(fd_, text, "the terminal");  // a closed one must not stop a gate
}

void Display::started(const Plan& plan) {
    plan_ = &plan;
    lines_.assign(plan.gates.size(), {});
    if (occasion_.continued) return;
    write(headline(plan, target_, occasion_) + "\n");
    if (!plan.scope.empty()) write(plan.scope + "\n");
}

void Display::preparing(const std::string& what) {
    preparing_ = what;
    redraw();
}

void Display::gate_started(size_t gate) {
    if (gate >= lines_.size()) return;
    preparing_.clear();
    lines_[gate].running = true;
    lines_[gate].since = std::chrono::steady_clock::now();
    redraw();
}

void Display::gate_output(size_t gate, std::string_view bytes) {
    if (!face_.terminal || gate >= lines_.size()) return;
    // The last line that holds anything; what is cut short now is completed by the next piece.
    auto& last = lines_[gate].last;
    for (const char c : bytes) {
        if (c == '\n' || c == '\r')
            last += '\n';
        else if (last.size() < 2 * kLongestLine)
            last += c;
    }
    while (last.ends_with("\n\n")) last.pop_back();
    const auto end = last.ends_with('\n') ? last.size() - 1 : last.size();
    const auto begin = end == 0 ? std::string::npos : last.rfind('\n', end - 1);
    if (begin != std::string::npos) last.erase(0, begin + 1);
    if (last.size() > kLongestLine) last.resize(kLongestLine);
}

void Display::gate_retried(size_t gate, int attempt) {
    if (gate >= lines_.size()) return;
    lines_[gate].attempt = "attempt " + std::to_string(attempt);
    lines_[gate].last.clear();
}

void Display::gate_finished(size_t gate, const GateRun& run) {
    if (gate >= lines_.size() || plan_ == nullptr) return;
    lines_[gate].running = false;
    lines_[gate].done = true;
    if (face_.terminal) lines_[gate].settled = line_of(run);
    redraw();
}

std::optional<Duration> Display::tick() const {
    if (!face_.terminal) return std::nullopt;
    return kTick;
}

void Display::ticked() {
    ++frame_;
    redraw();
}

std::string Display::running_line(size_t gate, const Face& face) const {
    const auto& line = lines_[gate];
    auto clock = clock_text(since(line.since));
    clock.append(clock.size() < 6 ? 6 - clock.size() : 0, ' ');
    const auto text = gate_name(*plan_, *plan_->gates[gate].gate, face) + clock + " " + line.attempt +
                      (line.attempt.empty() ? "" : " ") + escape_foreign(trim(line.last));
    return "  " + face.paint(Colour::Yellow, kFrames[frame_ % kFrames.size()]) + " " + within(text, face);
}

// Those that settled and those that run, in the file's order; only the running ones where the window is too small for
// all, so that nothing is ever pushed out of it that is to be rewritten.
std::vector<std::string> Display::live_lines(size_t rows, const Face& face) const {
    std::vector<std::string> shown;
    const auto most = rows > 4 ? rows - 3 : 1;
    const auto begun = static_cast<size_t>(std::count_if(
        lines_.begin(), lines_.end(), [](const Line& line) { return line.running || line.done; }));
    for (size_t gate = 0; gate < lines_.size(); ++gate) {
        const auto& line = lines_[gate];
        if (line.done && begun <= most) {
            auto text = gate_line(*plan_, line.settled, face);
            text.pop_back();  // the newline
            shown.push_back(std::move(text));
        } else if (line.running && shown.size() < most) {
            shown.push_back(running_line(gate, face));
        }
    }
    if (!preparing_.empty() && shown.size() < most)
        shown.push_back("  " + face.paint(Colour::Dim, within(escape_foreign(preparing_) + " …", face)));
    return shown;
}

// A window that became narrower has broken what was drawn into more rows; what left it cannot be rewritten.
std::string Display::up(size_t rows, size_t columns) const {
    size_t count = 0;
    for (const auto used : drawn_) count += used <= columns ? 1 : (used + columns - 1) / columns;
    count = std::min(count, rows > 1 ? rows - 1 : 1);
    return count == 0 ? std::string() : "\r\x1b[" + std::to_string(count) + "A";
}

void Display::redraw() {
    if (!face_.terminal || plan_ == nullptr) return;
    const auto room = room_of(fd_, face_);
    auto face = face_;
    face.width = static_cast<int>(room.columns);
    const auto shown = live_lines(room.rows, face);
    // Written over what is there and erased behind it, in one piece: nothing is empty in between.
    auto text = up(room.rows, room.columns);
    drawn_.clear();
    for (const auto& line : shown) {
        text += line + "\x1b[K\n";
        drawn_.push_back(visible_columns(line));
    }
    write(text + "\x1b[J");
}

void Display::clear() {
    const auto room = room_of(fd_, face_);
    if (!drawn_.empty()) write(up(room.rows, room.columns) + "\x1b[J");
    drawn_.clear();
    if (face_.terminal)
        face_.width = static_cast<int>(room.columns);  // what follows is for the window of now
}

void Display::settle(const Plan& plan, const RunReport& report) {
    clear();
    const auto remarks =
        report.passed() ? std::vector<std::string>{} : remarks_on_failure(repo_, target_, report);
    write(render_run(repo_, plan, target_, report, face_, occasion_, remarks));
}

}  // namespace tidegate::hooks
