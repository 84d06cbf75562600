#include "shared/log/log.hpp"

#include "shared/base/clock.hpp"
#include "shared/base/text.hpp"
#include "shared/log/repeats.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <mutex>

namespace tidegate::shared {

struct Log::Sink {
    LogFormat format = LogFormat::Text;
    std::atomic<LogLevel> least = LogLevel::Info;
    bool with_time = true;
    bool silent = false;
    std::shared_ptr<spdlog::logger> logger;
    std::mutex mutex;
    Repeats repeats;  // under mutex
};

namespace {

std::string_view name_of(LogLevel level) {
    switch (level) {
        case LogLevel::Debug: return "debug";
        case LogLevel::Info: return "info";
        case LogLevel::Warning: return "warning";
        case LogLevel::Error: return "error";
    }
    return "info";
}

// A JSON string literal. Written here and not by the JSON library, which this folder does not depend on; the
// escaped form has no control characters and is UTF-8, so only quotes and backslashes are left.
std::string quoted(std::string_view text) {
    std::string literal = "\"";
    for (const char c : escape_foreign(text)) {
        if (c == '"' || c == '\\') literal += '\\';
        literal += c;
    }
    return literal + "\"";
}

std::string text_value(std::string_view value) {
    const bool plain = !value.empty() && value.find_first_of(" \"=") == std::string_view::npos &&
                       escape_foreign(value) == value;
    return plain ? std::string(value) : quoted(value);
}

}  // namespace

Log::Log(LogFormat format, LogLevel least) : sink_(std::make_shared<Sink>()) {
    sink_->format = format;
    sink_->least = least;
    const char* journal = std::getenv("JOURNAL_STREAM");
    sink_->with_time = format == LogFormat::Json || journal == nullptr || *journal == '\0';
    sink_->logger =
        std::make_shared<spdlog::logger>("tidegate", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    sink_->logger->set_pattern("%v");
    sink_->logger->set_level(spdlog::level::trace);
    sink_->logger->flush_on(spdlog::level::trace);
}

Log Log::none() {
    Log log;
    log.sink_ = std::make_shared<Sink>();
    log.sink_->silent = true;
    return log;
}

Log Log::with(std::string_view name, std::string value) const {
    Log copy = *this;
    copy.fields_.emplace_back(std::string(name), std::move(value));
    return copy;
}

void Log::set_least(LogLevel least) const {
    sink_->least = least;
}

void Log::write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) const {
    if (sink_->silent || level < sink_->least) return;
    const bool json = sink_->format == LogFormat::Json;
    const auto put = [&](LogLevel of, std::string_view text, const std::string& more) {
        const auto time = format_utc(SystemClock().now());
        const auto line = json ? "{\"time\":\"" + time + "\",\"level\":\"" + std::string(name_of(of)) +
                                     "\",\"message\":" + quoted(text) + more + "}"
                               : (sink_->with_time ? time + " " : std::string()) + std::string(name_of(of)) +
                                     " " + escape_foreign(text) + more;
        sink_->logger->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
    };
    std::string more;
    const auto add = [&](std::string_view name, std::string_view value) {
        more += json ? "," + quoted(name) + ":" + quoted(value)
                     : " " + std::string(name) + "=" + text_value(value);
    };
    for (const auto& [name, value] : fields_) add(name, value);
    for (const auto& [name, value] : fields) add(name, value);

    std::vector<Repeats::Counted> over;
    bool shown = true;
    {
        const std::lock_guard lock(sink_->mutex);
        const auto key = std::string(name_of(level)) + " " + std::string(message) + more;
        shown = sink_->repeats.shows(key, message, std::chrono::steady_clock::now(), over);
    }
    for (const auto& [text, unseen, ended] : over) {
        if (unseen > 0)
            put(LogLevel::Info, "repeated " + std::to_string(unseen) + " times more: " + text, "");
        if (ended) put(LogLevel::Info, "has not come again: " + text, "");
    }
    if (shown) put(level, message, more);
}

void Log::error(std::string_view message, const Error& error) const {
    write(
        LogLevel::Error, message,
        {{"kind", std::string(shared::name_of(error.kind))}, {"error", error.line()}, {"hint", error.hint}});
}

void Log::warning(std::string_view message, const Error& error) const {
    write(
        LogLevel::Warning, message,
        {{"kind", std::string(shared::name_of(error.kind))}, {"error", error.line()}, {"hint", error.hint}});
}

Result<LogLevel> parse_log_level(std::string_view text) {
    for (const auto level : {LogLevel::Debug, LogLevel::Info, LogLevel::Warning, LogLevel::Error})
        if (text == name_of(level)) return level;
    return fail(ErrorKind::Invalid, "not a log level: `" + escape_foreign(text) + "`",
                "use debug, info, warning or error");
}

}  // namespace tidegate::shared
