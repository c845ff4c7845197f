#include "docker/build_stream.hpp"

#include <catch2/catch.hpp>
#include <fstream>

#include "base/fs.hpp"
#include "base/strings.hpp"

using namespace envbuild;
using namespace envbuild::docker;
using Kind = BuildEvent::Kind;

namespace {

// What a Docker 20.10 engine answered, byte for byte.
std::string recorded(const std::string& name) {
    return read_file(fs::path(ENVBUILD_SOURCE_DIR) / "tests/docker/data" / (name + ".jsonl"));
}

struct Played {
    std::vector<std::string> lines;
    std::optional<Digest> image;
    std::optional<Error> error;
};

std::string describe(const BuildEvent& event) {
    switch (event.kind) {
        case Kind::StepBegan:
            return "began " + event.name;
        case Kind::StepCached:
            return "cached " + event.name;
        case Kind::StepDone:
            return "done " + event.name;
        case Kind::StepFailed:
            return "failed " + event.name + ": " + event.text;
        case Kind::Log:
            return (event.is_stderr ? "err " : "out ") + event.text;
        case Kind::Warning:
            return "warning " + event.text;
        case Kind::Progress:
            return "";
    }
    return "";
}

Played play(const std::vector<std::string_view>& pieces) {
    Played played;
    BuildStream stream([&](const BuildEvent& event) {
        if (!event.is_internal && event.kind != Kind::Progress) played.lines.push_back(describe(event));
    });
    try {
        for (const auto piece : pieces) stream.feed(piece);
        played.image = stream.finish();
    } catch (const Error& error) {
        played.error = error;
    }
    return played;
}

Played play(const std::string& text) {
    return play(std::vector<std::string_view>{text});
}

std::string line(const Json& json) {
    return json.dump() + "\r\n";
}

Json stream_line(const std::string& text) {
    return Json::object().set("stream", text);
}

const std::string kRun = R"(RUN ["/prog", "out:first", "err:a warning", "out:second"])";

}  // namespace

TEST_CASE("The classic builder's stream") {
    const auto played = play(recorded("classic-good"));
    CHECK(played.lines == std::vector<std::string>{"began [1/4] FROM scratch", "done [1/4] FROM scratch",
                                                   "began [2/4] COPY prog /prog", "done [2/4] COPY prog /prog",
                                                   "began [3/4] " + kRun, "out first", "out second", "err a warning",
                                                   "done [3/4] " + kRun, "began [4/4] ENV A=b", "done [4/4] ENV A=b"});
    REQUIRE(played.image);
    CHECK(played.image->hex().starts_with("9850b0aa02d1"));
}

TEST_CASE("The classic builder's cache") {
    const auto played = play(recorded("classic-cached"));
    CHECK(played.lines.at(3) == "cached [2/4] COPY prog /prog");
    CHECK(played.lines.at(5) == "cached [3/4] " + kRun);
    CHECK(played.lines.size() == 8);
    CHECK(played.image);
}

TEST_CASE("BuildKit's stream") {
    const auto played = play(recorded("buildkit-good"));
    CHECK(played.lines == std::vector<std::string>{"began [1/2] COPY prog /prog", "done [1/2] COPY prog /prog",
                                                   "began [2/2] " + kRun, "err a warning", "out first", "out second",
                                                   "done [2/2] " + kRun, "began exporting to image",
                                                   "done exporting to image"});
    REQUIRE(played.image);
    CHECK(played.image->hex().starts_with("0b91728b056d"));
}

TEST_CASE("BuildKit's cache") {
    const auto played = play(recorded("buildkit-cached"));
    CHECK(played.lines == std::vector<std::string>{"began [1/2] COPY prog /prog", "cached [1/2] COPY prog /prog",
                                                   "began [2/2] " + kRun, "cached [2/2] " + kRun,
                                                   "began exporting to image", "done exporting to image"});
}

TEST_CASE("A failing step is named with its exit code and its last lines") {
    const auto name = GENERATE(as<std::string>{}, "classic-bad", "buildkit-bad");
    const auto played = play(recorded(name));
    REQUIRE(played.error);
    CHECK(played.error->kind() == ErrorKind::BuildFailed);
    const std::string step = (name == "classic-bad" ? "[3/4] " : "[2/2] ") +
                             std::string(R"(RUN ["/prog", "out:compiling", "err:it broke", "exit:7"])");
    CHECK(played.error->message() ==
          "the build step '" + step + "' failed with exit code 7; its last lines:\n    compiling\n    it broke");
    REQUIRE(!played.lines.empty());
    CHECK_THAT(played.lines.back(), Catch::StartsWith("failed " + step));
}

TEST_CASE("A Dockerfile that BuildKit cannot read") {
    const auto played = play(recorded("buildkit-syntax"));
    REQUIRE(played.error);
    CHECK(played.error->kind() == ErrorKind::BuildFailed);
    CHECK_THAT(played.error->message(), Catch::EndsWith("dockerfile parse error line 2: unknown instruction: NOSUCH"));
}

TEST_CASE("Where the network cuts the stream makes no difference") {
    const auto name = GENERATE(as<std::string>{}, "classic-good", "classic-bad", "buildkit-good", "buildkit-bad");
    const std::string whole = recorded(name);
    const auto expected = play(whole);
    // Byte by byte below is every cut at once; in two pieces BuildKit's long lines are cut here and there.
    const std::size_t step = name.starts_with("classic") ? 1 : 23;
    for (std::size_t cut = 0; cut <= whole.size(); cut += step) {
        const std::string_view text = whole;
        const auto played = play({text.substr(0, cut), text.substr(cut)});
        REQUIRE(played.lines == expected.lines);
        REQUIRE(played.image == expected.image);
        REQUIRE(played.error.has_value() == expected.error.has_value());
        if (played.error) REQUIRE(played.error->message() == expected.error->message());
    }
    std::vector<std::string_view> bytes;
    for (std::size_t i = 0; i < whole.size(); ++i) bytes.push_back(std::string_view(whole).substr(i, 1));
    CHECK(play(bytes).lines == expected.lines);
}

TEST_CASE("A stream that ends before its end is no success") {
    const auto name = GENERATE(as<std::string>{}, "classic-good", "buildkit-good");
    const std::string whole = recorded(name);
    const auto image_at = whole.find(name == "classic-good" ? R"({"aux":{"ID")" : R"({"id":"moby.image.id")");
    for (std::size_t end = 0; end <= image_at; end += 7) {
        const auto played = play(whole.substr(0, end));
        REQUIRE(played.error);
        REQUIRE_FALSE(played.image);
        const auto kind = played.error->kind();
        REQUIRE((kind == ErrorKind::Transient || kind == ErrorKind::Corrupt));
    }
}

TEST_CASE("Colours are stripped and fragments put together") {
    const auto played = play(line(stream_line("Step 1/1 : RUN x")) + line(stream_line("\n")) +
                             line(stream_line("\x1b[91mwarn\x1b[0m")) + line(stream_line("\x1b[91ming: \x1b[0m")) +
                             line(stream_line("\x1b[91m\x1b[1;33myellow\x1b[0m\n\x1b[0m")) +
                             line(stream_line("10%\r50%\r100%\r\n")) + line(stream_line("no newline")));
    CHECK(played.lines.at(1) == "err warning: yellow");
    CHECK(played.lines.at(2) == "out 100%");
    CHECK(played.lines.at(3) == "out no newline");
}

TEST_CASE("An engine whose disk is full says so") {
    const auto played = play(line(Json::object().set("error", "write /x: no space left on device")));
    REQUIRE(played.error);
    CHECK(played.error->kind() == ErrorKind::Io);
    CHECK_THAT(played.error->hint(), Catch::Contains("prune"));
}

TEST_CASE("Only the last lines of a failing step are repeated") {
    std::string text = line(stream_line("Step 1/1 : RUN x")) + line(stream_line("\n"));
    for (int i = 0; i < 1000; ++i) text += line(stream_line("line " + std::to_string(i) + "\n"));
    text += line(Json::object().set("error", "returned a non-zero code: 3"));
    const auto played = play(text);
    REQUIRE(played.error);
    CHECK_THAT(played.error->message(), Catch::EndsWith("line 999") && Catch::Contains("line 970\n"));
    CHECK_THAT(played.error->message(), !Catch::Contains("line 969\n"));
    CHECK_THAT(played.error->message(), Catch::Contains("exit code 3"));
}

TEST_CASE("What is not an engine's stream is refused") {
    CHECK(play("<html>\n").error->kind() == ErrorKind::Corrupt);
    CHECK(play(R"({"id":"moby.buildkit.trace","aux":"!!!"})").error->kind() == ErrorKind::Corrupt);
    CHECK(play(R"({"id":"moby.buildkit.trace","aux":"/////w=="})").error->kind() == ErrorKind::Corrupt);
    CHECK(play("").error->kind() == ErrorKind::Transient);
    CHECK(play(R"([1,2])").error->kind() == ErrorKind::Transient);
}

TEST_CASE("An exception of the listener comes out") {
    BuildStream stream([](const BuildEvent&) { throw std::logic_error("enough"); });
    CHECK_THROWS_WITH(stream.feed(recorded("classic-good")), "enough");
}
