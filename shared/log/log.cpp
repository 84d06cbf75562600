#include "shared/log/log.hpp"

#include "shared/base/clock.hpp"
#include "shared/base/text.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>

namespace tidegate::shared {

struct Log::Sink {
    LogFormat format = LogFormat::Text;
    LogLevel least = LogLevel::Info;
    bool with_time = true;
    bool silent = false;
    std::shared_ptr<spdlog::logger> logger;
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

void Log::write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) const {
    if (sink_->silent || level < sink_->least) return;
    const auto time = format_utc(SystemClock().now());
    std::string line;
    const auto add = [&](std::string_view name, std::string_view value) {
        if (sink_->format == LogFormat::Json)
            line += "," + quoted(name) + ":" + quoted(value);
        else
            line += " " + std::string(name) + "=" + text_value(value);
    };
    if (sink_->format == LogFormat::Json) {
        line = "{\"time\":\"" + time + "\",\"level\":\"" + std::string(name_of(level)) +
               "\",\"message\":" + quoted(message);
    } else {
        line = (sink_->with_time ? time + " " : std::string()) + std::string(name_of(level)) + " " +
               escape_foreign(message);
    }
    for (const auto& [name, value] : fields_) add(name, value);
    for (const auto& [name, value] : fields) add(name, value);
    if (sink_->format == LogFormat::Json) line += "}";
    sink_->logger->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
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
