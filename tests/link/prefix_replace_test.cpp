#include "link/prefix_replace.hpp"

#include <catch2/catch.hpp>

using namespace envbuild;
using namespace envbuild::link;

namespace {

// Gives its bytes in pieces of `step`, so that whatever is searched for gets cut.
class SlowReader : public conda::ContentReader {
  public:
    SlowReader(std::string text, std::size_t step) : text_(std::move(text)), step_(step) {}
    std::size_t read(std::span<char> into) override {
        const std::size_t count = std::min({into.size(), step_, text_.size() - at_});
        std::copy_n(text_.data() + at_, count, into.data());
        at_ += count;
        return count;
    }

  private:
    std::string text_;
    std::size_t step_, at_ = 0;
};

std::string binary(const std::string& text, const std::string& placeholder, const std::string& prefix,
                   std::size_t step) {
    SlowReader inner(text, step);
    auto reader = value_or_throw(binary_prefix_reader(inner, placeholder, prefix));
    std::string out;
    std::array<char, 7> buffer{};
    while (const std::size_t got = reader->read(buffer)) out.append(buffer.data(), got);
    return out;
}

const std::string kPlace = "/opt/placeholder_placeholder_placeholder";

}  // namespace

TEST_CASE("text: every occurrence is replaced") {
    CHECK(replace_text_prefix("a " + kPlace + "/x:" + kPlace + "/y", kPlace, "/opt/env") == "a /opt/env/x:/opt/env/y");
    CHECK(replace_text_prefix("nothing", kPlace, "/opt/env") == "nothing");
    CHECK(replace_text_prefix("/p/p", "/p", "/longer/prefix") == "/longer/prefix/longer/prefix");
}

TEST_CASE("text: a shebang that is too long or has a space goes through env") {
    const std::string long_prefix = "/" + std::string(130, 'l');
    CHECK(replace_text_prefix("#!" + kPlace + "/bin/python -s\nimport x\n", kPlace, long_prefix) ==
          "#!/usr/bin/env python -s\nimport x\n");
    CHECK(replace_text_prefix("#!" + kPlace + "/bin/python -s\n", kPlace, "/opt/env") == "#!/opt/env/bin/python -s\n");
    CHECK(replace_text_prefix("#!" + kPlace + "/bin/python -s\nx = '" + kPlace + "'\n", kPlace, "/my env") ==
          "#!/usr/bin/env python -s\nx = '/my env'\n");
    const std::string just = "#!/" + std::string(120, 'x') + "/sh";
    REQUIRE(just.size() == 126);
    CHECK(shorten_shebang(just + "!\n") == just + "!\n");
    CHECK(shorten_shebang(just + "!!\n") == "#!/usr/bin/env sh!!\n");
    CHECK(shorten_shebang("#! " + long_prefix + "/bin/perl") == "#!/usr/bin/env perl");
    CHECK(shorten_shebang("#!python " + long_prefix + "\n") == "#!python " + long_prefix + "\n");
    CHECK(shorten_shebang("text " + long_prefix).starts_with("text"));
    CHECK(shorten_shebang("#!").size() == 2);
    CHECK(shorten_shebang("#!/a\\ b/c\n") == "#!/usr/bin/env c\n");
}

TEST_CASE("binary: strings keep their length, padded with NULs at their end") {
    const std::string zero(1, '\0');
    const std::string gap(kPlace.size() - 8, '\0');
    for (const std::size_t step : {std::size_t{1}, std::size_t{3}, std::size_t{17}, std::size_t{1} << 20}) {
        CAPTURE(step);
        const auto replaced = [&](const std::string& text) { return binary(text, kPlace, "/opt/env", step); };
        CHECK(replaced("ab" + kPlace + "/lib" + zero + "cd") == "ab/opt/env/lib" + zero + gap + "cd");
        CHECK(replaced(kPlace + "/a:" + kPlace + "/b" + zero + "end") ==
              "/opt/env/a:/opt/env/b" + zero + gap + gap + "end");
        CHECK(replaced(kPlace + zero + kPlace + zero) == "/opt/env" + zero + gap + "/opt/env" + zero + gap);
        CHECK(replaced("x" + kPlace + "/no end") == "x" + kPlace + "/no end");
        CHECK(replaced("short") == "short");
        CHECK(replaced("").empty());
        CHECK(replaced(kPlace.substr(0, kPlace.size() - 1) + zero) == kPlace.substr(0, kPlace.size() - 1) + zero);
        // A start of the placeholder that breaks off, right before a whole one.
        CHECK(replaced("/opt/place" + kPlace + zero) == "/opt/place/opt/env" + zero + gap);
        const std::string far = kPlace + std::string(700'000, 'y') + zero;
        if (step > 3) CHECK(replaced(far) == "/opt/env" + std::string(700'000, 'y') + zero + gap);
    }
    CHECK(binary(kPlace + zero, kPlace, kPlace, 5) == kPlace + zero);
}

TEST_CASE("binary: a prefix longer than the placeholder does not fit") {
    SlowReader inner("x", 1);
    const auto reader = binary_prefix_reader(inner, "/short", "/opt/longer");
    REQUIRE_FALSE(reader);
    CHECK(reader.error().kind() == ErrorKind::Corrupt);
    CHECK_THAT(reader.error().message(), Catch::Contains("6 bytes") && Catch::Contains("/opt/longer"));
}
