#include "reconciler/sql_text.hpp"

#include <doctest/doctest.h>

using namespace tidegate::reconciler;
using Client = tidegate::manifests::DatabaseClient;

namespace {

struct Case {
    Client client;
    std::string text;
    size_t statements = 0;
    bool open = false;
    bool transaction = true;
};

struct Wrong {
    Client client;
    std::string text;
    std::string words;
    int line = 1;
};

}  // namespace

TEST_CASE("sql: statements end where the client ends them") {
    const Case cases[] = {
        {Client::Psql, "", 0},
        {Client::Psql, "-- only words\n/* and /* nested */ ones */\n", 0},
        {Client::Psql, "SELECT 1; SELECT 2", 2, true},
        {Client::Psql, "SELECT ';', \";\", $$;$$, $a$ $$;$$ $a$, E'\\';', 'it''s;';", 1},
        {Client::Psql, "SELECT '\\'; SELECT 2;", 2},
        {Client::Psql, "CREATE RULE r AS ON DELETE TO t DO (SELECT 1; SELECT 2);", 1},
        {Client::Psql,
         "CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT "
         "2; END;\n"
         "SELECT 3;",
         2},
        {Client::Psql, "COPY t FROM STDIN;\n1\tit's; BEGIN\n\\.\nSELECT 1;", 2},
        {Client::Psql, "SELECT $1, a$b$c FROM t;", 1},
        {Client::Psql, "-- tidegate: no-transaction\nCREATE INDEX CONCURRENTLY i ON t (x);", 1, false, false},
        {Client::Psql, "SAVEPOINT a; ROLLBACK TO a;", 2},
        {Client::Mysql, "SELECT 'a\\';', \"b\\\";\", `c;`; # no ; here\n-- nor; here\nSELECT 1--1;", 2},
        {Client::Mysql, "DELIMITER //\nCREATE PROCEDURE p() BEGIN SELECT 1; END //\nDELIMITER ;\nSELECT 2;",
         2},
        {Client::Mysql, "/*!40101 SET NAMES utf8 */;", 1},
        {Client::Sqlite3,
         "CREATE TEMP TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; SELECT 2; END; SELECT [;];", 2},
        {Client::Sqlite3, "# a comment of the shell\nSELECT 1\n.5;", 1},
    };
    for (const auto& one : cases) {
        CAPTURE(one.text);
        const auto found = read_sql_text(one.client, "x.up.sql", one.text);
        REQUIRE_MESSAGE(found.has_value(), found.error().line());
        CHECK(found->statements == one.statements);
        CHECK(found->open == one.open);
        CHECK(found->transaction == one.transaction);
    }
}

TEST_CASE("sql: what is not whole, no SQL, or ends the transaction is refused at its line") {
    const Wrong cases[] = {
        {Client::Psql, "SELECT 1;\nSELECT 'open;\n", "a quote (') never ends", 2},
        {Client::Psql, "SELECT $x$ open $y$;", "a quote ($x$) never ends"},
        {Client::Psql, "\n/* open", "a comment never ends", 2},
        {Client::Psql, "SELECT (1;", "never ends"},
        {Client::Psql, "SELECT 1;\n\\! touch pwned\n", "is a command of the client program", 2},
        {Client::Psql, "SELECT 'a' \\gexec", "is a command of the client program"},
        {Client::Psql, "COPY t FROM STDIN;\n1\n", "the rows of this COPY never end"},
        {Client::Psql, "BEGIN;\nSELECT 1;", "in a transaction already"},
        {Client::Psql, "SELECT 1;\n\n  commit", "in a transaction already", 3},
        {Client::Psql, "ROLLBACK;", "in a transaction already"},
        {Client::Psql, "-- tidegate: no-transactions\nSELECT 1;", "no such word for Tidegate"},
        {Client::Psql, std::string("SELECT 1;\0", 10), "NUL", 0},
        {Client::Psql, "SELECT '\xff';", "not UTF-8", 0},
        {Client::Mysql, "system touch pwned;", "is a command of the client program"},
        {Client::Mysql, "SELECT 1;\nsource /etc/passwd", "is a command of the client program", 2},
        {Client::Mysql, "SELECT 1\\G", "is a command of the client program"},
        {Client::Mysql, "USE other;", "leaves the database"},
        {Client::Mysql, "DELIMITER //\nSELECT 1 //", "another delimiter", 2},
        {Client::Mysql, "START TRANSACTION;", "in a transaction already"},
        {Client::Sqlite3, "SELECT 1;\n.shell touch pwned", "is a command of the client program", 2},
        {Client::Sqlite3, "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1;", "never ends"},
    };
    for (const auto& one : cases) {
        CAPTURE(one.text);
        const auto found = read_sql_text(one.client, "x.up.sql", one.text);
        REQUIRE_FALSE(found.has_value());
        CHECK(found.error().kind == tidegate::ErrorKind::Invalid);
        CHECK_MESSAGE(found.error().message.find(one.words) != std::string::npos, found.error().message);
        CHECK(found.error().where->line == one.line);
    }
}
