// PostgreSQL, by psql 10 or later.
// One session-level advisory lock around the whole. It is asked for again and again instead of waited for: a session
// that waits inside a statement holds a snapshot, for which another's CREATE INDEX CONCURRENTLY would wait in turn.
#include "reconciler/sql_dialects.hpp"

#include <algorithm>

namespace tidegate::reconciler {

using namespace shared;

namespace {

constexpr const char* kLock = "8388346167643173989";  // "tidegate" in ASCII
constexpr Duration kPause{500};
// A client that is killed must not leave its statement running: the server looks whether it is still there.
constexpr const char* kSettings =
    "SET client_min_messages = warning;\n"
    "SELECT CASE WHEN current_setting('server_version_num')::int >= 140000 THEN\n"
    "  set_config('client_connection_check_interval', '2s', false) END AS tidegate_set \\gset\n";

class Psql final : public SqlClient {
  public:
    std::string lock(Duration wait) const override {
        std::string out = std::string(kSettings) + "SELECT pg_try_advisory_lock(" + std::string(kLock) +
                          ") AS tidegate_got \\gset\n";
        for (Duration slept{0}; slept < std::min(wait, Duration(std::chrono::hours(1))); slept += kPause)
            out +=
                "\\if :tidegate_got\n\\else\n"
                "SELECT pg_sleep(0.5) AS tidegate_slept \\gset\n"
                "SELECT pg_try_advisory_lock(" +
                std::string(kLock) + ") AS tidegate_got \\gset\n\\endif\n";
        return out + "\\if :tidegate_got\n\\else\nSELECT " + std::string(kLockHeld) + ";\n\\endif\n";
    }

    std::string list() const override {
        return "SELECT to_regclass('tidegate_migrations') IS NOT NULL AS tidegate_there,\n"
               "  coalesce((SELECT quote_ident(n.nspname) FROM pg_class c JOIN pg_namespace n ON n.oid = "
               "c.relnamespace\n"
               "    WHERE c.oid = to_regclass('tidegate_migrations')), quote_ident(current_schema()), '') AS "
               "tidegate_schema \\gset\n"
               "SELECT 'tidegate-ledger', :'tidegate_there', :'tidegate_schema';\n"
               "\\if :tidegate_there\n"
               "SELECT 'tidegate-row', version, name, checksum, state, release_id, deployment FROM "
               ":tidegate_schema.tidegate_migrations;\n"
               "\\endif\n";
    }

    std::string make_table(const Ledger& ledger) const override {
        if (ledger.there) return {};
        return "CREATE TABLE IF NOT EXISTS " + table(ledger) +
               " (version bigint PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, state text NOT "
               "NULL, "
               "applied_at timestamptz NOT NULL DEFAULT now(), release_id text NOT NULL, deployment text NOT "
               "NULL);\n";
    }

    std::string check(const Ledger& ledger) const override {
        return "DO $tidegate$ BEGIN IF " + ledger_moved(table(ledger), ledger) + " THEN RAISE EXCEPTION " +
               sql_quoted(kMoved) + "; END IF; END $tidegate$;\n";
    }

    std::string before(const SqlStep& step, const Ledger& ledger, const SqlAuthor& author) const override {
        return step.transaction ? "BEGIN;\n" : ledger_begun(table(ledger), step, author);
    }

    // A file may have changed the session's settings, the search path among them: they go.
    std::string after(const SqlStep& step, const Ledger& ledger, const SqlAuthor& author) const override {
        const auto settings = std::string("RESET ALL;\n") + kSettings;
        if (!step.transaction)
            return "RESET SESSION AUTHORIZATION;\nRESET ROLE;\n" + settings +
                   ledger_ended(table(ledger), step);
        return "RESET SESSION AUTHORIZATION;\nRESET ROLE;\n" + ledger_done(table(ledger), step, author) +
               "COMMIT;\n" + settings;
    }

    ErrorKind kind_of(std::string_view said) const override {
        const auto has = [&](std::string_view words) { return said.find(words) != std::string_view::npos; };
        if (has(kLockHeld)) return ErrorKind::Locked;
        if (has("authentication failed") || has("does not exist") || has("no password supplied") ||
            has("pg_hba.conf"))
            return ErrorKind::Failed;
        return has("connection to server") || has("could not connect") ||
                       has("server closed the connection") || has("FATAL:")
                   ? ErrorKind::Transient
                   : ErrorKind::Failed;
    }

  private:
    static std::string table(const Ledger& ledger) { return ledger.schema + ".tidegate_migrations"; }
};

}  // namespace

std::unique_ptr<SqlClient> make_psql() {
    return std::make_unique<Psql>();
}

}  // namespace tidegate::reconciler
