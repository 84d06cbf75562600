#include "reconciler/sql_text.hpp"

#include "shared/base/text.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace tidegate::reconciler {

using namespace shared;
using Client = manifests::DatabaseClient;

namespace {

constexpr size_t kWordsKept = 6;
constexpr std::array<std::string_view, 21> kMysqlCommands{
    "SOURCE",  "SYSTEM", "TEE",     "NOTEE", "PAGER",  "NOPAGER",  "EDIT",
    "CONNECT", "EGO",    "GO",      "PRINT", "PROMPT", "QUIT",     "REHASH",
    "EXIT",    "STATUS", "CHARSET", "CLEAR", "HELP",   "WARNINGS", "NOWARNING"};

bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
}
bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v';
}

std::string upper(std::string_view word) {
    std::string out(word);
    for (auto& c : out)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return out;
}

class Scanner {
  public:
    Scanner(Client client, const std::string& file, std::string_view text)
        : client_(client), file_(file), text_(text) {}

    Result<SqlText> read() {
        TRY(read_directives());
        while (at_ < text_.size()) TRY(step());
        if (parens_or_blocks())
            return wrong("a block or parenthesis of this statement never ends", line_of_first_);
        if (delimiter_ != ";")
            return wrong("the file ends with another delimiter than `;`", line_, "end it with: DELIMITER ;");
        if (started_) {
            found_.open = true;
            TRY(end_statement());
        }
        return found_;
    }

  private:
    [[nodiscard]] tl::unexpected<Error> wrong(std::string what, int line, std::string hint = {}) const {
        return fail(
            Error{ErrorKind::Invalid, std::move(what), std::move(hint), Where{file_, line, 0, {}, 1}, {}});
    }
    [[nodiscard]] char peek(size_t ahead = 0) const {
        return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
    }
    [[nodiscard]] bool here(std::string_view what) const { return text_.substr(at_).starts_with(what); }
    [[nodiscard]] bool parens_or_blocks() const { return parens_ > 0 || blocks_ > 0; }
    [[nodiscard]] bool at_line_start() const { return at_ == 0 || text_[at_ - 1] == '\n'; }
    void advance(size_t count = 1) {
        for (; count > 0 && at_ < text_.size(); --count) line_ += text_[at_++] == '\n' ? 1 : 0;
    }
    void skip_line() {
        while (at_ < text_.size() && text_[at_] != '\n') advance();
    }
    void start() {
        if (!started_) line_of_first_ = line_;
        started_ = true;
    }

    // Comments before the first statement may say how the file is to be run.
    Result<void> read_directives() {
        int line = 0;
        for (const auto raw : lines_of(text_)) {
            ++line;
            const auto words = trim(raw);
            if (words.empty()) continue;
            if (!words.starts_with("--")) break;
            const auto comment = trim(words.substr(2));
            if (!comment.starts_with("tidegate:")) continue;
            const auto said = trim(comment.substr(std::string_view("tidegate:").size()));
            if (said != "no-transaction")
                return wrong("no such word for Tidegate: " + escape_foreign(said.substr(0, 40)), line,
                             "there is one: -- tidegate: no-transaction");
            found_.transaction = false;
        }
        return {};
    }

    Result<void> step() {
        const char c = peek();
        if (is_blank(c)) {
            advance();
        } else if (comment_begins()) {
            TRY(comment());
        } else if (here(delimiter_) && !(client_ != Client::Mysql && parens_or_blocks())) {
            advance(delimiter_.size());
            const bool copies = started_ && copies_from_input();
            TRY(end_statement());
            if (copies) TRY(skip_copied());
        } else if (c == '\\' && client_ != Client::Sqlite3) {
            return client_command(text_.substr(at_, 2));
        } else if (c == '.' && client_ == Client::Sqlite3 && !started_ && at_line_start()) {
            return client_command(trim(lines_of(text_.substr(at_)).front()).substr(0, 30));
        } else if (quote_begins()) {
            start();
            TRY(quoted());
        } else if (c == '$' && client_ == Client::Psql && (at_ == 0 || !is_word(text_[at_ - 1]))) {
            start();
            TRY(dollar_quoted());
        } else if (is_word(c)) {
            TRY(word());
        } else {
            start();
            if (client_ == Client::Psql && c == '(') ++parens_;
            if (client_ == Client::Psql && c == ')' && parens_ > 0) --parens_;
            advance();
        }
        return {};
    }

    Result<void> client_command(std::string_view command) const {
        return wrong(
            "`" + escape_foreign(command) + "` is a command of the client program, not SQL", line_,
            "migrations are SQL only; what else must run belongs into `build` or `migrate: {up: …}`");
    }

    [[nodiscard]] bool comment_begins() const {
        if (here("/*")) return true;
        if (here("--")) return client_ != Client::Mysql || at_ + 2 == text_.size() || is_blank(peek(2));
        return peek() == '#' &&
               (client_ == Client::Mysql || (client_ == Client::Sqlite3 && !started_ && at_line_start()));
    }

    Result<void> comment() {
        if (!here("/*")) {
            skip_line();
            return {};
        }
        if (client_ == Client::Mysql && (here("/*!") || here("/*M!"))) start();  // is run
        const int began = line_;
        int depth = 0;
        do {
            if (at_ >= text_.size()) return wrong("a comment never ends", began);
            if (here("/*") && (depth == 0 || client_ == Client::Psql)) {
                ++depth;
                advance(2);
            } else if (here("*/")) {
                --depth;
                advance(2);
            } else {
                advance();
            }
        } while (depth > 0);
        return {};
    }

    [[nodiscard]] bool quote_begins() const {
        const char c = peek();
        return c == '\'' || c == '"' || (c == '`' && client_ != Client::Psql) ||
               (c == '[' && client_ == Client::Sqlite3);
    }

    Result<void> quoted() {
        const int began = line_;
        const char open = peek();
        const char close = open == '[' ? ']' : open;
        const bool escapes_here = open == '\'' && client_ == Client::Psql && at_ > 0 &&
                                  (text_[at_ - 1] == 'E' || text_[at_ - 1] == 'e') &&
                                  (at_ == 1 || !is_word(text_[at_ - 2]));
        const bool escapes = escapes_here || (client_ == Client::Mysql && open != '`');
        for (advance(); at_ < text_.size(); advance()) {
            if (escapes && peek() == '\\') {
                advance();
            } else if (peek() == close) {
                advance();
                if (open == '[' || peek() != close) return {};
            }
        }
        return wrong("a quote (" + std::string(1, open) + ") never ends", began);
    }

    // $tag$ … $tag$; a lone $ or $1 is none.
    Result<void> dollar_quoted() {
        size_t length = 1;
        while (is_word(peek(length)) && !(length == 1 && peek(1) >= '0' && peek(1) <= '9')) ++length;
        if (peek(length) != '$') {
            advance();
            return {};
        }
        const int began = line_;
        const auto tag = text_.substr(at_, length + 1);
        const auto end = text_.find(tag, at_ + tag.size());
        if (end == std::string_view::npos)
            return wrong("a quote (" + escape_foreign(tag) + ") never ends", began);
        advance(end + tag.size() - at_);
        return {};
    }

    Result<void> word() {
        size_t length = 1;
        while (is_word(peek(length))) ++length;
        const auto said = upper(text_.substr(at_, length));
        if (client_ == Client::Mysql && !started_) {
            if (said == "DELIMITER") return new_delimiter();
            if (std::find(kMysqlCommands.begin(), kMysqlCommands.end(), said) != kMysqlCommands.end())
                return client_command(said);
            if (said == "USE")
                return wrong("`USE` leaves the database that the ledger is in", line_,
                             "write the other database's name before its tables");
        }
        start();
        if (words_.size() < kWordsKept) words_.push_back(said);
        from_input_ = from_input_ || said == "STDIN";
        to_savepoint_ = to_savepoint_ || said == "TO";
        // A routine's or trigger's own statements end with `;`, too.
        if (has_block()) {
            if (said == "BEGIN" || (said == "CASE" && blocks_ > 0)) ++blocks_;
            if (said == "END" && blocks_ > 0) --blocks_;
        }
        advance(length);
        return {};
    }

    [[nodiscard]] bool has_block() const {
        if (client_ == Client::Mysql || words_.size() < 2 || words_[0] != "CREATE") return false;
        size_t kind = 1;
        if (words_[1] == "OR") kind = 3;
        if (words_[1] == "TEMP" || words_[1] == "TEMPORARY") kind = 2;
        if (words_.size() <= kind) return false;
        return client_ == Client::Sqlite3 ? words_[kind] == "TRIGGER"
                                          : words_[kind] == "FUNCTION" || words_[kind] == "PROCEDURE";
    }

    Result<void> new_delimiter() {
        const auto line = lines_of(text_.substr(at_)).front();
        const auto said = trim(trim(line).substr(std::string_view("DELIMITER").size()));
        if (said.empty() || said.find('\\') != std::string_view::npos)
            return wrong("`DELIMITER` names none", line_, "as in: DELIMITER //");
        delimiter_ = std::string(said);
        skip_line();
        return {};
    }

    [[nodiscard]] bool copies_from_input() const {
        return client_ == Client::Psql && !words_.empty() && words_[0] == "COPY" && from_input_;
    }

    // The rows of `COPY … FROM STDIN;` up to `\.`.
    Result<void> skip_copied() {
        const int began = line_;
        skip_line();
        while (at_ < text_.size()) {
            advance();
            const auto from = at_;
            skip_line();
            if (trim(text_.substr(from, at_ - from)) == "\\.") return {};
        }
        return wrong("the rows of this COPY never end", began, "end them with a line: \\.");
    }

    [[nodiscard]] bool ends_transaction() const {
        if (words_.empty()) return false;
        const auto& first = words_[0];
        const bool transaction = words_.size() > 1 && words_[1] == "TRANSACTION";
        return first == "BEGIN" || first == "COMMIT" || first == "END" || first == "ABORT" ||
               (first == "ROLLBACK" && !to_savepoint_) ||
               ((first == "START" || first == "PREPARE") && transaction);
    }

    Result<void> end_statement() {
        if (started_) ++found_.statements;
        if (started_ && found_.transaction && ends_transaction())
            return wrong("`" + words_[0] + "` in a migration that is run in a transaction already",
                         line_of_first_,
                         "leave it out, or say in the file's first line: -- tidegate: no-transaction");
        started_ = from_input_ = to_savepoint_ = false;
        words_.clear();
        parens_ = blocks_ = 0;
        return {};
    }

    Client client_;
    const std::string& file_;
    std::string_view text_;
    size_t at_ = 0;
    int line_ = 1;
    int line_of_first_ = 1;
    bool started_ = false;
    bool from_input_ = false;
    bool to_savepoint_ = false;
    int parens_ = 0;
    int blocks_ = 0;
    std::vector<std::string> words_;  // the statement's first, in upper case
    std::string delimiter_ = ";";
    SqlText found_;
};

}  // namespace

Result<SqlText> read_sql_text(Client client, const std::string& file, std::string_view text) {
    const auto whole = [&](std::string what) {
        return fail(Error{ErrorKind::Invalid, std::move(what), "", Where{file, 0, 0, {}, 1}, {}});
    };
    if (text.find('\0') != std::string_view::npos) return whole("a NUL byte in the SQL");
    if (!is_utf8(text)) return whole("the SQL is not UTF-8");
    return Scanner(client, file, text).read();
}

}  // namespace tidegate::reconciler
