// HTTP probes: one request, or several that belong together.
#include "reconciler/probes.hpp"
#include "shared/base/text.hpp"
#include "shared/doc/json.hpp"
#include "shared/net/http.hpp"

#include <algorithm>
#include <charconv>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr size_t kBodyLooked = 1 << 20;
constexpr size_t kShown = 120;
constexpr size_t kLongestCaptured = 8192;

using Values = std::map<std::string, std::string>;

std::string shown(std::string_view text) {
    return escape_foreign(text.substr(0, kShown)) + (text.size() > kShown ? "…" : "");
}

std::string lower(std::string text) {
    for (auto& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    return text;
}

// RFC 6901. nullptr where there is nothing.
const Value* at_pointer(const Value& root, const std::string& pointer) {
    const Value* value = &root;
    if (pointer.empty()) return value;
    for (const auto part : split(std::string_view(pointer).substr(1), '/')) {
        std::string key;
        for (size_t at = 0; at < part.size(); ++at) {
            const bool escaped =
                part[at] == '~' && at + 1 < part.size() && (part[at + 1] == '0' || part[at + 1] == '1');
            key += escaped ? (part[at + 1] == '0' ? '~' : '/') : part[at];
            at += escaped ? 1 : 0;
        }
        if (value->is(Value::Kind::List)) {
            size_t index = 0;
            const auto read = std::from_chars(key.data(), key.data() + key.size(), index);
            if (read.ec != std::errc() || read.ptr != key.data() + key.size() ||
                index >= value->list().size())
                return nullptr;
            value = &value->list()[index];
        } else {
            value = value->find(key);
        }
        if (value == nullptr) return nullptr;
    }
    return value;
}

// A scalar as a person writes it, anything else as JSON.
std::string written(const Value& value) {
    return value.is(Value::Kind::Text) ? value.text() : to_json(value);
}

std::string wrong_with_json(const HttpResponse& response, const HttpProbe& probe, const HealthSite& site,
                            const Values& captured) {
    if (probe.json.empty()) return {};
    const auto document = parse_json(response.body, {kBodyLooked, 64});
    if (!document) return " with what is no JSON";
    for (const auto& [pointer, value] : probe.json) {
        const auto wanted = filled(value, site, captured);
        const Value* found = at_pointer(*document, pointer);
        if (found == nullptr) return " without " + shown(pointer);
        if (written(*found) != wanted)
            return " with " + shown(pointer) + ": " + shown(written(*found)) + ", wanted " + shown(wanted);
    }
    return {};
}

std::string wrong_with_headers(const HttpResponse& response, const HttpProbe& probe, const HealthSite& site,
                               const Values& captured) {
    for (const auto& [name, value] : probe.headers) {
        const auto key = lower(name);
        const auto wanted = filled(value, site, captured);
        const auto [first, last] = response.headers.equal_range(key);
        if (first == last) return " without the header " + shown(key);
        if (std::none_of(first, last,
                         [&](const auto& entry) { return entry.second.find(wanted) != std::string::npos; }))
            return " with " + shown(key) + ": " + shown(first->second) + ", wanted " + shown(wanted);
    }
    return {};
}

std::string wrong_with_certificate(const HttpResponse& response, const HttpProbe& probe) {
    if (probe.tls.count() == 0) return {};
    if (!response.certificate_ends) return " without a certificate that tells its end";
    const auto left = *response.certificate_ends - SystemClock().now();
    if (left >= probe.tls) return {};
    return " with a certificate that ends " + format_utc(*response.certificate_ends) + ", wanted " +
           human_duration(probe.tls) + " more";
}

// What is wrong with an answer, empty for nothing.
std::string wrong_with(const HttpResponse& response, const HttpProbe& probe, const HealthSite& site,
                       const Values& captured) {
    const auto answered = "answered " + std::to_string(response.status);
    const bool in_range = std::any_of(probe.status.begin(), probe.status.end(), [&](const auto& range) {
        return response.status >= range.first && response.status <= range.second;
    });
    if (!in_range) return answered;
    const auto body = filled(probe.body, site, captured);
    if (!body.empty() && response.body.find(body) == std::string::npos)
        return answered + " without `" + shown(body) + "`";
    for (const auto& wrong :
         {wrong_with_headers(response, probe, site, captured),
          wrong_with_json(response, probe, site, captured), wrong_with_certificate(response, probe)})
        if (!wrong.empty()) return answered + wrong;
    return {};
}

std::optional<std::string> captured_by(const manifests::Capture& capture, const HttpResponse& response) {
    if (!capture.header.empty()) {
        const auto found = response.headers.find(lower(capture.header));
        if (found == response.headers.end()) return std::nullopt;
        return found->second;
    }
    if (!capture.json.empty()) {
        const auto document = parse_json(response.body, {kBodyLooked, 64});
        const Value* found = document ? at_pointer(*document, capture.json) : nullptr;
        if (found == nullptr) return std::nullopt;
        return written(*found);
    }
    const auto after = response.body.find(capture.after);
    if (after == std::string::npos) return std::nullopt;
    const auto from = after + capture.after.size();
    const auto to = response.body.find(capture.before, from);
    if (to == std::string::npos) return std::nullopt;
    return response.body.substr(from, to - from);
}

// What is kept from one request to the next. A probe talks to one app: domains and paths of cookies are not asked.
struct Conversation {
    Values captured;
    Values cookies;

    void keep_cookies(const HttpResponse& response) {
        const auto [first, last] = response.headers.equal_range("set-cookie");
        for (auto entry = first; entry != last; ++entry) {
            const auto pair = entry->second.substr(0, entry->second.find(';'));
            const auto equals = pair.find('=');
            if (equals != std::string::npos && cookies.size() < 64)
                cookies[pair.substr(0, equals)] = pair.substr(equals + 1);
        }
    }
    [[nodiscard]] std::string cookie_header() const {
        std::vector<std::string> pairs;
        for (const auto& [name, value] : cookies) pairs.push_back(name + "=" + value);
        return join(pairs, "; ");
    }
};

ProbeAnswer ask_one(const HttpProbe& probe, const HealthSite& site, int cancel_fd,
                    Conversation& conversation) {
    HttpRequest request;
    request.url = filled(probe.url, site, conversation.captured);
    request.method = probe.method;
    request.body = filled(probe.data, site, conversation.captured);
    request.timeout = probe.within;
    request.body_limit = kBodyLooked;
    request.cancel_fd = cancel_fd;
    request.want_certificate = probe.tls.count() != 0;
    if (!probe.ca.empty()) request.ca_file = probe.ca;
    request.headers = {{"User-Agent", "tidegate-health"}};
    for (const auto& [name, value] : probe.send)
        request.headers.emplace_back(name, filled(value, site, conversation.captured));
    if (!conversation.cookies.empty()) request.headers.emplace_back("Cookie", conversation.cookie_header());
    const auto response = http(request);
    if (!response && response.error().kind == ErrorKind::Timeout)
        return {false, "gave no answer within " + human_duration(probe.within)};
    if (!response) return {false, "gave no answer (" + response.error().message + ")"};
    conversation.keep_cookies(*response);
    auto wrong = wrong_with(*response, probe, site, conversation.captured);
    for (const auto& [name, capture] : probe.capture) {
        if (!wrong.empty()) break;
        const auto value = captured_by(capture, *response);
        if (!value || value->size() > kLongestCaptured || value->find_first_of("\r\n") != std::string::npos)
            wrong = "answered " + std::to_string(response->status) + " without what is captured as " +
                    shown(name);
        else
            conversation.captured[name] = *value;
    }
    const bool good = wrong.empty();
    return {good, good ? "answered " + std::to_string(response->status) : std::move(wrong), response->took};
}

}  // namespace

ProbeAnswer ask(const HttpProbe& probe, const HealthSite& site, int cancel_fd) {
    Conversation none;
    return ask_one(probe, site, cancel_fd, none);
}

ProbeAnswer ask(const SequenceProbe& probe, const HealthSite& site, int cancel_fd) {
    Conversation conversation;
    size_t step = 0;
    for (const auto& request : probe.requests) {
        ++step;
        auto answer = ask_one(request, site, cancel_fd, conversation);
        if (answer.good) continue;
        // The address as it is written: what was captured may be a token.
        answer.words = "request " + std::to_string(step) + " of " + std::to_string(probe.requests.size()) +
                       ", " + request.method + " " + shown(request.url) + ", " + answer.words;
        return answer;
    }
    return {true, count_of(probe.requests.size(), "request") + " answered as wanted"};
}

}  // namespace tidegate::reconciler
