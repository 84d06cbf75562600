// Logging behind a thin header (spdlog stays in log.cpp). Lines are either `time level message key=value …`
// or one JSON object. Every text from outside is escaped here, so callers pass it as it is; secrets are never
// passed. Thread-safe.
#pragma once

#include "shared/base/error.hpp"

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidegate::shared {

enum class LogLevel { Debug, Info, Warning, Error };
enum class LogFormat { Text, Json };

using LogField = std::pair<std::string_view, std::string>;

// A logger is a value: copies share the sink. with() makes one that adds fields to every line (app=…,
// deployment=…).
class Log {
  public:
    // To standard error. `Text` without a time where the journal adds its own (JOURNAL_STREAM is set).
    Log(LogFormat format, LogLevel least);
    // Drops everything.
    [[nodiscard]] static Log none();
    [[nodiscard]] Log with(std::string_view name, std::string value) const;

    // For this one and all that share its sink, from now on.
    void set_least(LogLevel least) const;

    // A line that comes again and again is written five times, then with growing gaps, and counted: see repeats.hpp.
    void write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {}) const;
    void debug(std::string_view message, std::initializer_list<LogField> fields = {}) const {
        write(LogLevel::Debug, message, fields);
    }
    void info(std::string_view message, std::initializer_list<LogField> fields = {}) const {
        write(LogLevel::Info, message, fields);
    }
    void warning(std::string_view message, std::initializer_list<LogField> fields = {}) const {
        write(LogLevel::Warning, message, fields);
    }
    void error(std::string_view message, std::initializer_list<LogField> fields = {}) const {
        write(LogLevel::Error, message, fields);
    }
    // An Error with its kind, place, context and hint as fields.
    void error(std::string_view message, const Error& error) const;
    void warning(std::string_view message, const Error& error) const;

  private:
    struct Sink;
    Log() = default;
    std::shared_ptr<Sink> sink_;
    std::vector<std::pair<std::string, std::string>> fields_;
};

[[nodiscard]] Result<LogLevel> parse_log_level(std::string_view text);

}  // namespace tidegate::shared
