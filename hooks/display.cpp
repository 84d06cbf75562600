#include "hooks/display.hpp"

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

}  // namespace

Display::Display(const Repository& repo, const Target& target, Face face, int fd, Occasion occasion)
    : repo_(repo), target_(target), face_(face), fd_(fd), occasion_(std::move(occasion)) {}

void Display::write(const std::string& text) const {
    (void)write_all(fd_, text, "the terminal");  // a closed one must not stop a gate
}

void Display::started(const Plan& plan) {
    plan_ = &plan;
    lines_.assign(plan.gates.size(), {});
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
    if (face_.terminal) lines_[gate].settled = gate_line(*plan_, run, face_);
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

std::string Display::running_line(const Plan& plan, size_t gate, MonoTime now) const {
    const auto& line = lines_[gate];
    size_t widest = 13;
    for (const auto& planned : plan.gates) widest = std::max(widest, columns_of(planned.gate->name));
    auto text = escape_foreign(plan.gates[gate].gate->name);
    text.append(widest + 2 - std::min(widest, columns_of(text)), ' ');
    auto clock = clock_text(std::chrono::duration_cast<Duration>(now - line.since));
    clock.append(clock.size() < 6 ? 6 - clock.size() : 0, ' ');
    text += clock + " " + line.attempt + (line.attempt.empty() ? "" : " ") + escape_foreign(trim(line.last));
    return text;
}

// Rewrites the live lines in place: those that settled and those that run, in the file's order; only the
// running ones where the window is too small for all.
void Display::redraw() {
    if (!face_.terminal || plan_ == nullptr) return;
    const auto room = room_of(fd_, face_);
    const auto now = std::chrono::steady_clock::now();
    std::vector<std::string> shown;
    const auto most = room.rows > 4 ? room.rows - 3 : 1;
    const auto begun = static_cast<size_t>(std::count_if(
        lines_.begin(), lines_.end(), [](const Line& line) { return line.running || line.done; }));
    for (size_t gate = 0; gate < lines_.size(); ++gate) {
        const auto& line = lines_[gate];
        if (line.done && begun <= most) shown.push_back(line.settled.substr(0, line.settled.find('\n')));
        if (!line.running || shown.size() >= most) continue;
        const auto text = cut_to(running_line(*plan_, gate, now), room.columns > 5 ? room.columns - 5 : 1);
        shown.push_back("  " + face_.paint(Colour::Yellow, kFrames[frame_ % kFrames.size()]) + " " + text);
    }
    if (!preparing_.empty() && shown.size() < most)
        shown.push_back(
            "  " + face_.paint(Colour::Dim, cut_to(escape_foreign(preparing_) + " …", room.columns - 4)));

    std::string text;
    if (drawn_ > 0) text += "\r\x1b[" + std::to_string(drawn_) + "A";
    for (const auto& line : shown) text += line + "\x1b[K\n";
    text += "\x1b[J";
    drawn_ = shown.size();
    write(text);
}

void Display::clear() {
    if (drawn_ > 0) write("\r\x1b[" + std::to_string(drawn_) + "A\x1b[J");
    drawn_ = 0;
}

void Display::settle(const Plan& plan, const RunReport& report) {
    clear();
    const auto remarks =
        report.passed() ? std::vector<std::string>{} : remarks_on_failure(repo_, target_, report);
    write(render_run(repo_, plan, target_, report, face_, occasion_, remarks));
}

}  // namespace tidegate::hooks
