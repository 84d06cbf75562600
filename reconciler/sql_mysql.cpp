// MySQL and MariaDB, by either's client.
// One lock by GET_LOCK around the whole. Statements that change the schema commit by themselves there, so a row is written
// before and changed after each migration. Conditions are told by PREPARE: the client knows none, and a statement that
// is no SQL stops it.
#include "reconciler/sql_dialects.hpp"

namespace tidegate::reconciler {

using namespace shared;

namespace {

const std::string kTable = "tidegate_migrations";

class Mysql final : public SqlClient {
  public:
    std::string lock(Duration wait) const override {
        const auto seconds = std::to_string((wait.count() + 999) / 1000);
        return "SET @tidegate_lock = GET_LOCK(CONCAT('tidegate.', MD5(DATABASE())), " + seconds + ");\n" +
               stop_unless("@tidegate_lock = 1", "DO 0", kLockHeld);
    }

    std::string list() const override {
        return "SET @tidegate_there = (SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = "
               "DATABASE() AND TABLE_NAME = 'tidegate_migrations');\n"
               "SELECT 'tidegate-ledger', @tidegate_there, '';\n" +
               stop_unless(
                   "@tidegate_there > 0",
                   "SELECT ''tidegate-row'', version, name, checksum, state, release_id, deployment FROM "
                   "tidegate_migrations",
                   "DO 0");
    }

    std::string make_table(const Ledger& ledger) const override {
        if (ledger.there) return {};
        return "CREATE TABLE IF NOT EXISTS tidegate_migrations (version BIGINT PRIMARY KEY, name "
               "VARCHAR(190) NOT "
               "NULL, checksum CHAR(64) NOT NULL, state VARCHAR(16) NOT NULL, applied_at TIMESTAMP NOT NULL "
               "DEFAULT "
               "CURRENT_TIMESTAMP, release_id VARCHAR(190) NOT NULL, deployment VARCHAR(190) NOT NULL) "
               "ENGINE=InnoDB;\n";
    }

    std::string check(const Ledger& ledger) const override {
        return stop_unless("NOT (" + ledger_moved(kTable, ledger) + ")", "DO 0", kMoved);
    }

    std::string before(const SqlStep& step, const Ledger&, const SqlAuthor& author) const override {
        return "SET autocommit = 1;\n" + ledger_begun(kTable, step, author) +
               (step.transaction ? "START TRANSACTION;\n" : "");
    }

    std::string after(const SqlStep& step, const Ledger&, const SqlAuthor&) const override {
        return (step.transaction ? "COMMIT;\n" : "") + std::string("SET autocommit = 1;\n") +
               ledger_ended(kTable, step);
    }

    ErrorKind kind_of(std::string_view said) const override {
        const auto has = [&](std::string_view words) { return said.find(words) != std::string_view::npos; };
        if (has(kLockHeld) || has("ERROR 1205")) return ErrorKind::Locked;
        for (const std::string_view code :
             {"ERROR 2002", "ERROR 2003", "ERROR 2006", "ERROR 2013", "ERROR 1040"})
            if (has(code)) return ErrorKind::Transient;
        return ErrorKind::Failed;
    }

  private:
    static std::string stop_unless(const std::string& condition, std::string_view then,
                                   std::string_view otherwise) {
        return "SET @tidegate_sql = IF(" + condition + ", '" + std::string(then) + "', '" +
               std::string(otherwise) +
               "');\nPREPARE tidegate_stop FROM @tidegate_sql;\nEXECUTE tidegate_stop;\nDEALLOCATE PREPARE "
               "tidegate_stop;\n";
    }
};

}  // namespace

std::unique_ptr<SqlClient> make_mysql() {
    return std::make_unique<Mysql>();
}

}  // namespace tidegate::reconciler
