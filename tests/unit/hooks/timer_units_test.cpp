#include "hooks/timer_units.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace tidegate::hooks;

TEST_CASE("timers: names are a unit's, and no two working trees share one") {
    const auto name = timer_name("/home/ana/my app%", "nightly");
    CHECK(name.starts_with("tidegate-my_app_-"));
    CHECK(name.ends_with("-nightly"));
    CHECK(timer_name("/a/app", "nightly") != timer_name("/b/app", "nightly"));
    CHECK(timer_name("/a/app", "a+b").ends_with("-a\\x2bb"));
    CHECK(stage_of_timer(timer_name("/a/app", "a+b"), timer_prefix("/a/app")) == "a+b");
    CHECK(timer_name("/" + std::string(300, 'x'), std::string(64, 'y')).size() < 200);
}

TEST_CASE("timers: blanks, quotes, specifiers and variables reach the program as they are") {
    CHECK(quoted_for_unit("/a b/100%/$HOME/\"x\"\\y") == R"("/a b/100%%/$$HOME/\"x\"\\y")");
    CHECK(quoted_for_unit("line\nbreak") == R"("line\x0abreak")");
    const auto service =
        service_unit({"nightly", "02:00", "/my 100% app\n[x]", "/opt/tide gate", "/usr/bin:/100%"});
    CHECK(service.find("ExecStart=\"/opt/tide gate\" -C \"/my 100%% app\\x0a[x]\" run \"nightly\"\n") !=
          std::string::npos);
    CHECK(service.find("Environment=\"PATH=/usr/bin:/100%%\"\n") != std::string::npos);
    CHECK(service.find("\n[x]") == std::string::npos);
}

TEST_CASE("timers: plain times are understood without systemd, and nothing else") {
    for (const auto* good : {"02:00", "2:00", "23:59:59", "Mon 02:00", "Mon,Thu 02:00", "Mon..Fri 22:30",
                             "Monday..Wednesday,Sun 1:05", "hourly", "daily", "weekly"}) {
        CAPTURE(good);
        CHECK(is_plain_time(good));
    }
    for (const auto* bad :
         {"", "25:00", "02:60", "2", "Mon", "Mo 02:00", "Mon.. 02:00", "Mon 02:00 ", "02:00:61", "-1:00",
          "02:00\n", "02:0x", "sometimes", "Mon,  02:00", "02::00", ":00"}) {
        CAPTURE(bad);
        CHECK_FALSE(is_plain_time(bad));
    }
}
