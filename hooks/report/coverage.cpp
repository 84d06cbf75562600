#include "hooks/report/coverage.hpp"

#include "hooks/report/xml_text.hpp"
#include "shared/base/text.hpp"

#include <pugixml.hpp>

#include <algorithm>
#include <charconv>

namespace tidegate::hooks::reports {

namespace {

constexpr int kMostLine = 100'000'000;

std::string clean_path(std::string_view path) {
    while (path.starts_with("./")) path.remove_prefix(2);
    std::string text(path.substr(0, 4096));
    for (char& c : text)
        if (c == '\\') c = '/';
    return text;
}

// Hits, saturating; lcov writes negative ones after overflows, and some tools fractions.
bool parse_hits(std::string_view text, std::uint64_t& hits) {
    if (text.starts_with('-')) {
        hits = 0;
        return text.size() > 1;
    }
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), hits);
    if (error == std::errc::result_out_of_range) hits = UINT64_MAX;
    return end != text.data();
}

bool parse_line(std::string_view text, int& line) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), line);
    return error == std::errc() && end == text.data() + text.size() && line >= 0 && line <= kMostLine;
}

// A line that is reported several times (templates, classes) is reached where any of them is.
void add_line(Coverage::Lines& lines, int line, std::uint64_t hits) {
    if (line == 0) return;
    auto& known = lines[line];
    known = hits > UINT64_MAX - known ? UINT64_MAX : known + hits;
}

// geninfo(1): SF:path, DA:line,hits[,checksum], end_of_record; all else is summaries.
Result<Coverage> read_lcov(const std::string& file, std::string_view text) {
    Coverage coverage;
    Coverage::Lines* lines = nullptr;
    int number = 0;
    for (auto line : shared::lines_of(text)) {
        ++number;
        line = shared::trim(line);
        if (line.starts_with("SF:")) {
            lines = &coverage.files[clean_path(line.substr(3))];
        } else if (line == "end_of_record") {
            lines = nullptr;
        } else if (line.starts_with("DA:")) {
            const auto parts = shared::split(line.substr(3), ',');
            int at = 0;
            std::uint64_t hits = 0;
            if (parts.size() < 2 || !parse_line(parts[0], at) || !parse_hits(parts[1], hits))
                return fail_at(file, number, "a wrong DA line: DA:<line>,<hits>");
            if (lines == nullptr) return fail_at(file, number, "a DA line before any SF line");
            add_line(*lines, at, hits);
        }
    }
    return coverage;
}

// Walks every element, without recursion: what nests deep costs no stack.
template <typename Visit>
Result<void> each_element(const pugi::xml_node& root, Visit visit) {
    for (auto node = root; node;) {
        TRY(visit(node));
        if (node.first_child()) {
            node = node.first_child();
            continue;
        }
        while (node && node != root && !node.next_sibling()) node = node.parent();
        if (!node || node == root) break;
        node = node.next_sibling();
    }
    return {};
}

class XmlReader {
  public:
    XmlReader(const std::string& file, std::string_view text) : file_(file), text_(text) {}

    Result<Coverage> read() {
        pugi::xml_document document;
        TRY(parse_xml(file_, text_, document));
        const auto root = document.document_element();
        if (std::string_view(root.name()) != "coverage")
            return fail_at(file_, line_at(text_, root.offset_debug()),
                           "no coverage report: expected lcov, Cobertura or Clover");
        const bool clover = !root.child("project").empty() && root.child("packages").empty();
        TRY(each_element(
            root, [&](const pugi::xml_node& node) { return clover ? in_clover(node) : in_cobertura(node); }));
        return std::move(coverage_);
    }

  private:
    // <class filename><lines><line number hits>; a method's own <lines> say the same again.
    Result<void> in_cobertura(const pugi::xml_node& node) {
        const std::string_view name = node.name();
        if (name == "class") {
            lines_ = &coverage_.files[clean_path(node.attribute("filename").value())];
        } else if (name == "line") {
            const auto above = node.parent().parent();
            if (std::string_view(above.name()) == "class") return line(node, "number", "hits");
        }
        return {};
    }

    // <file name path><line num count type="stmt|cond|method">: methods are no lines of code.
    Result<void> in_clover(const pugi::xml_node& node) {
        const std::string_view name = node.name();
        if (name == "file") {
            const std::string_view path = node.attribute("path").value();
            lines_ = &coverage_.files[clean_path(path.empty() ? node.attribute("name").value() : path)];
        } else if (name == "line" && std::string_view(node.attribute("type").value()) != "method") {
            return line(node, "num", "count");
        }
        return {};
    }

    Result<void> line(const pugi::xml_node& node, const char* number, const char* count) {
        int at = 0;
        std::uint64_t hits = 0;
        if (lines_ == nullptr || !parse_line(node.attribute(number).value(), at) ||
            !parse_hits(node.attribute(count).value(), hits))
            return fail_at(file_, line_at(text_, node.offset_debug()),
                           std::string("a wrong <line>: it wants a file, ") + number + " and " + count);
        add_line(*lines_, at, hits);
        return {};
    }

    const std::string& file_;
    std::string_view text_;
    Coverage coverage_;
    Coverage::Lines* lines_ = nullptr;
};

void add(Share& share, std::uint64_t hits) {
    ++share.lines;
    if (hits > 0) ++share.covered;
}

constexpr unsigned kMostHunk = 1'000'000;

struct Hunk {
    unsigned old_count = 1;
    unsigned new_begin = 0;
    unsigned new_count = 1;
};
// "@@ -<line>[,<count>] +<line>[,<count>] @@ …"
Hunk parse_hunk(std::string_view line) {
    const auto number = [](std::string_view text, unsigned& into) {
        std::from_chars(text.data(), text.data() + text.size(), into);
    };
    Hunk hunk;
    const auto words = shared::split(line, ' ');
    if (words.size() < 4) return {0, 0, 0};
    if (const auto comma = words[1].find(','); comma != std::string_view::npos)
        number(words[1].substr(comma + 1), hunk.old_count);
    number(words[2].substr(1), hunk.new_begin);
    if (const auto comma = words[2].find(','); comma != std::string_view::npos)
        number(words[2].substr(comma + 1), hunk.new_count);
    return hunk;
}

}  // namespace

double Share::percent() const {
    return lines == 0 ? 100.0 : 100.0 * static_cast<double>(covered) / static_cast<double>(lines);
}

Share Coverage::share() const {
    Share share;
    for (const auto& [path, lines] : files)
        for (const auto& [line, hits] : lines) add(share, hits);
    return share;
}

void Coverage::merge(const Coverage& other) {
    for (const auto& [path, lines] : other.files) {
        auto& mine = files[path];
        for (const auto& [line, hits] : lines) add_line(mine, line, hits);
    }
}

void Coverage::relative_to(std::string_view root) {
    const auto prefix = std::string(root) + "/";
    Coverage moved;
    for (auto& [path, lines] : files) {
        Coverage one;
        one.files.emplace(path.starts_with(prefix) ? path.substr(prefix.size()) : path, std::move(lines));
        moved.merge(one);
    }
    *this = std::move(moved);
}

Share share_of_change(const Coverage& coverage, const ChangedLines& changed) {
    Share share;
    for (const auto& [path, lines] : coverage.files) {
        // The changed path may be any ending of the report's, from a whole name on.
        auto found = changed.find(path);
        for (auto slash = path.find('/'); found == changed.end() && slash != std::string::npos;
             slash = path.find('/', slash + 1))
            found = changed.find(std::string_view(path).substr(slash + 1));
        if (found == changed.end()) continue;
        for (const int line : found->second)
            if (const auto hits = lines.find(line); hits != lines.end()) add(share, hits->second);
    }
    return share;
}

ChangedLines parse_changed_lines(std::string_view patch) {
    ChangedLines changed;
    std::set<int>* lines = nullptr;
    std::uint64_t content = 0;  // lines of the hunk still to come: what they say is not looked at
    for (const auto line : shared::lines_of(patch)) {
        if (content > 0 && (line.starts_with('+') || line.starts_with('-'))) {
            --content;
        } else if (line.starts_with("diff --git ")) {
            lines = nullptr;
            content = 0;
        } else if (line.starts_with("+++ b/")) {
            auto path = line.substr(6);
            if (path.ends_with('\t')) path.remove_suffix(1);  // git ends names with blanks so
            lines = &changed[std::string(path)];
        } else if (line.starts_with("@@ -") && lines != nullptr) {
            const auto hunk = parse_hunk(line);
            content = std::uint64_t{hunk.old_count} + hunk.new_count;
            for (unsigned i = 0; i < std::min(hunk.new_count, kMostHunk); ++i)
                lines->insert(static_cast<int>(std::min(hunk.new_begin, kMostHunk) + i));
        }
    }
    return changed;
}

Result<Coverage> read_coverage(const std::string& file, std::string_view text) {
    if (text.size() > kMostReportBytes) return fail_at(file, 0, "a report of more than 64 MiB");
    const auto begin = shared::trim(text.substr(0, std::min<size_t>(text.size(), 4096)));
    if (begin.starts_with('<') || begin.starts_with("\xEF\xBB\xBF<")) return XmlReader(file, text).read();
    const bool lcov =
        text.starts_with("SF:") || text.starts_with("TN:") || text.find("\nSF:") != std::string_view::npos;
    if (!lcov) return fail_at(file, 1, "no coverage report: expected lcov, Cobertura or Clover");
    return read_lcov(file, text);
}

}  // namespace tidegate::hooks::reports
