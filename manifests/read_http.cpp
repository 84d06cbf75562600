// `http` and `sequence` of health checks.
#include "manifests/sections.hpp"
#include "shared/base/text.hpp"

#include <algorithm>
#include <charconv>

namespace tidegate::manifests {

using namespace shared;
using namespace std::chrono_literals;

namespace {

std::string replaced(std::string text, std::string_view what, std::string_view by) {
    for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
        text.replace(at, what.size(), by);
    return text;
}

// An address with something plain in the place of each placeholder that is known here.
std::string without_placeholders(std::string url, const Placeholders& known) {
    for (const auto* name : {"{release}", "{commit}", "{version}"}) url = replaced(std::move(url), name, "x");
    if (known.instance) url = replaced(std::move(url), "{instance}", "127.0.0.1:9");
    for (const auto& name : known.captured) url = replaced(std::move(url), "{" + name + "}", "x");
    return url;
}

// "200", "200-299", "200-299,304".
std::optional<std::vector<std::pair<int, int>>> parse_statuses(std::string_view text) {
    std::vector<std::pair<int, int>> ranges;
    for (const auto part : split(text, ',')) {
        const auto trimmed = trim(part);
        const auto dash = trimmed.find('-');
        const auto first = trimmed.substr(0, dash);
        const auto last = dash == std::string_view::npos ? first : trimmed.substr(dash + 1);
        const auto number = [](std::string_view digits) {
            int value = 0;
            const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
            return read.ec == std::errc() && read.ptr == digits.data() + digits.size() ? value : 0;
        };
        const std::pair<int, int> range{number(first), number(last)};
        if (range.first < 100 || range.second > 599 || range.first > range.second) return std::nullopt;
        ranges.push_back(range);
    }
    return ranges;
}

void read_status(MapReader& reader, HttpCheck& check) {
    const Value* value = reader.any("status");
    if (value == nullptr) return;
    if (reader.failed()) return;
    std::vector<std::string> written;
    for (const auto& each : value->is(Value::Kind::List) ? value->list() : Value::List{*value})
        written.push_back(each.is(Value::Kind::Integer) || each.is(Value::Kind::Text) ? each.text()
                                                                                      : "wrong");
    auto ranges = parse_statuses(join(written, ","));
    if (ranges)
        check.status = std::move(*ranges);
    else
        reader.reject(*value, "`status` is a number from 100 to 599, a range, or several",
                      "write 200, \"200-299\" or [200, 204, \"300-399\"]");
}

void read_json(MapReader& reader, HttpCheck& check) {
    check.json = reader.text_map("json");
    if (const Value* value = reader.map("json"))
        for (const auto& entry : value->map())
            if (!entry.key.empty() && entry.key.front() != '/')
                reader.reject(entry.value, quoted(entry.key) + " is no JSON pointer",
                              "it begins with /: {/status: ok, /checks/0/name: db}");
}

std::map<std::string, Capture> read_capture(MapReader& reader) {
    std::map<std::string, Capture> captures;
    const Value* value = reader.map("capture");
    if (value == nullptr) return captures;
    for (const auto& entry : value->map()) {
        if (!is_plain_name(entry.key) || entry.key == "release" || entry.key == "commit" ||
            entry.key == "version" || entry.key == "instance")
            reader.reject(entry.value, quoted(entry.key) + " cannot be the name of a captured value");
        nested(reader, &entry.value, "a capture", [&](MapReader& inner) {
            auto& capture = captures[entry.key];
            (void)exactly_one(inner, entry.value, "a capture", {"header", "json", "after"});
            capture.header = inner.text("header", "");
            capture.json = inner.text("json", "");
            capture.after = inner.text("after", "");
            capture.before = inner.text("before", "");
            if (!inner.failed() && !capture.json.empty() && capture.json.front() != '/')
                inner.reject(*inner.any("json"), "`json` is a JSON pointer: it begins with /");
            if (!inner.failed() && capture.after.empty() != capture.before.empty())
                inner.reject(entry.value, "`after` and `before` go together",
                             "the value is what lies between them");
        });
    }
    return captures;
}

}  // namespace

HttpCheck read_http(MapReader& reader, const Placeholders& known, Duration& within) {
    HttpCheck check;
    check.url = reader.text("url", Required::Yes);
    if (!reader.failed()) {
        const auto plain = without_placeholders(check.url, known);
        // Without a path the root is asked.
        const auto scheme = plain.find("://");
        const bool bare =
            scheme != std::string::npos && plain.find_first_of("/?#", scheme + 3) == std::string::npos;
        auto url = Url::parse(bare ? plain + "/" : plain);
        if (plain.find_first_of("{}") != std::string::npos)
            reader.reject(
                *reader.any("url"), "an unknown placeholder is in " + quoted(check.url),
                "known are {release} {commit} {version}, {instance} with `strategy: blue-green`, and in a "
                "sequence what was captured before");
        else if (!url)
            reader.reject(*reader.any("url"), std::move(url.error()));
        else if (url->scheme() != "http" && url->scheme() != "https")
            reader.reject(*reader.any("url"), "a check's `url` is http:// or https://");
    }
    static const std::vector<std::string_view> kMethods{"GET",   "HEAD",   "POST",   "PUT",
                                                        "PATCH", "DELETE", "OPTIONS"};
    check.method = kMethods[reader.choice("method", kMethods, 0)];
    check.send = reader.text_map("send");
    check.data = reader.text("data", "");
    read_status(reader, check);
    check.body = reader.text("body", "");
    check.headers = reader.text_map("headers");
    read_json(reader, check);
    check.tls = reader.duration("tls", 0s, 0s, 24h * 365);
    if (const Value* tls = reader.any("tls"); tls != nullptr && check.url.starts_with("http://"))
        reader.reject(*tls, "`tls` asks for a certificate, and `url` is http://");
    if (reader.has("ca")) check.ca = judged(reader, "ca", Required::No, fault_of_absolute_path);
    within = reader.duration("within", within, 10ms, 10min);
    if (known.sequence) check.capture = read_capture(reader);
    return check;
}

SequenceCheck read_sequence(MapReader& reader, bool instances) {
    SequenceCheck check;
    const Value* list = reader.list("sequence");
    if (list == nullptr) return check;
    if (list->list().empty()) reader.reject(*list, "`sequence` is empty");
    Placeholders known{instances, {}, true};
    for (const auto& item : list->list())
        nested(reader, &item, "requests", [&](MapReader& inner) {
            Duration within = 5s;
            auto& request = check.requests.emplace_back(read_http(inner, known, within));
            request.within = within;
            for (const auto& [name, capture] : request.capture) known.captured.push_back(name);
        });
    return check;
}

}  // namespace tidegate::manifests
