#include "build/build_log.hpp"

#include <catch2/catch.hpp>

#include "base/fs.hpp"

using namespace envbuild;
using namespace envbuild::build;
using Catch::Matchers::Matches;

namespace {

docker::BuildEvent log_line(const std::string& text) {
    docker::BuildEvent event;
    event.kind = docker::BuildEvent::Kind::Log;
    event.text = text;
    return event;
}

}  // namespace

TEST_CASE("build log: two builds of one key at the same time have a file each, named by key, time and process") {
    const TempDir folder("logs");
    fs::path first, second;
    {
        BuildLog one(folder.path(), "abc", silent_reporter());
        BuildLog two(folder.path(), "abc", silent_reporter());
        first = one.path();
        second = two.path();
        one.add(log_line("of the first"));
        two.add(log_line("of the second"));
    }
    CHECK(first != second);
    CHECK(read_file(first) == "of the first\n");
    CHECK(read_file(second) == "of the second\n");
    CHECK_THAT(first.filename().string(), Matches("abc-[0-9]{8}T[0-9]{6}Z-[0-9]+\\.log"));
}
