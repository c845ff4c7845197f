#include "base/loopback.hpp"

#include <catch2/catch.hpp>

TEST_CASE("loopback: addresses of this machine, never a name that begins like one") {
    for (const auto* host : {"localhost", "127.0.0.1", "127.1.2.3", "[::1]"}) {
        INFO(host);
        CHECK(envbuild::is_loopback(host));
    }
    for (const auto* host : {"127.evil.test", "127.0.0.1.evil.test", "localhost.evil.test", "10.0.0.1", "", "[::2]"}) {
        INFO(host);
        CHECK_FALSE(envbuild::is_loopback(host));
    }
}
