#include "solve/candidates.hpp"

#include <catch2/catch.hpp>

using envbuild::solve::channel_matches;

TEST_CASE("a spec's channel names a channel by URL, by its end, or one of a multichannel") {
    CHECK(channel_matches("", "https://host/ch"));
    CHECK(channel_matches("https://host/ch/", "https://host/ch"));
    CHECK(channel_matches("ch", "https://host/ch"));
    CHECK_FALSE(channel_matches("h", "https://host/ch"));
    CHECK_FALSE(channel_matches("https://other/ch", "https://host/ch"));
    CHECK(channel_matches("https://host/main|https://host/r", "https://host/r"));
    CHECK_FALSE(channel_matches("https://host/main|https://host/r", "https://host/msys2"));
}
