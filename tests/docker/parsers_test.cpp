// The small parsers under the engine's streams.
#include <catch2/catch.hpp>
#include <random>

#include "base/error.hpp"
#include "docker/buildkit_trace.hpp"
#include "docker/json_lines.hpp"
#include "docker/log_frames.hpp"
#include "docker/pull_stream.hpp"
#include "docker/registry_auth.hpp"
#include "docker/text_lines.hpp"

using namespace envbuild;
using namespace envbuild::docker;

namespace {

using namespace std::string_literals;

std::string frame(char stream, const std::string& bytes) {
    return ""s + stream + "\0\0\0\0\0"s + static_cast<char>(bytes.size() / 256) +
           static_cast<char>(bytes.size() % 256) + bytes;
}

}  // namespace

TEST_CASE("Frames of container output come apart wherever they are cut") {
    const std::string long_text(300, 'x');
    const std::string whole = frame(1, "out") + frame(2, "err") + frame(1, "") + frame(1, long_text) + frame(0, "in");
    for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
        std::string out, err;
        const OnOutput collect = [&](OutputStream stream, std::string_view bytes) {
            (stream == OutputStream::Stderr ? err : out) += bytes;
        };
        LogFrames frames(collect);
        frames.feed(whole.substr(0, cut));
        frames.feed(whole.substr(cut));
        REQUIRE_NOTHROW(frames.finish());
        REQUIRE(out == "out" + long_text + "in");
        REQUIRE(err == "err");
    }
}

TEST_CASE("Frames that are none, or end too early") {
    const OnOutput ignore;
    LogFrames text(ignore);
    CHECK_THROWS_AS(text.feed("plain text of a terminal"), Error);
    for (const std::size_t end : {1, 7, 9}) {
        LogFrames frames(ignore);
        frames.feed(frame(1, "abc").substr(0, end));
        CHECK_THROWS_AS(frames.finish(), Error);
    }
}

TEST_CASE("JSON lines come out whole, also the last one") {
    const std::string whole = "{\"a\":1}\r\n\n{\"b\":\"x\\ny\"}\n{\"c\":3}";
    for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
        std::string seen;
        JsonLines lines([&](const Json& json) { seen += json.dump() + ";"; });
        lines.feed(whole.substr(0, cut));
        lines.feed(whole.substr(cut));
        lines.finish();
        REQUIRE(seen == R"({"a":1};{"b":"x\ny"};{"c":3};)");
    }
    JsonLines endless([](const Json&) {});
    const std::string piece(1 << 20, ' ');
    CHECK_THROWS_AS(
        [&] {
            for (int i = 0; i < 20; ++i) endless.feed(piece);
        }(),
        Error);
}

TEST_CASE("Terminal sequences are taken out of text") {
    CHECK(strip_terminal("\x1b[31;1mred\x1b[0m \x1b]0;title\x07plain\ttab") == "red plain\ttab");
    CHECK(strip_terminal("\x1b]8;;http://x\x1b\\link") == "link");
    CHECK(strip_terminal("a\x07\x01\x7f"
                         "b\x1b") == "ab");
    CHECK(strip_terminal("\x1b[") == "");
    CHECK(strip_terminal("µ→✓") == "µ→✓");
}

TEST_CASE("BuildKit messages: unknown fields are passed over, rubbish is refused and never read past its end") {
    // field 15, fixed 64; field 16, fixed 32; field 4 (warning) {1: "v", 3: "text"}
    const auto trace = decode_trace(
        "\x79"
        "12345678"
        "\x85\x01"
        "1234"
        "\x22\x09\x0a\x01v\x1a\x04text"s);
    REQUIRE(trace);
    REQUIRE(trace->warnings.size() == 1);
    CHECK(trace->warnings[0].text == "text");
    CHECK(decode_trace("")->vertices.empty());
    for (const auto& bad :
         {"\x0a"s,
          "\x0a\x05"
          "abc"s,
          "\x0b"s, "\x08\xff"s,
          "\x79"
          "1"s,
          "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s})
        CHECK_FALSE(decode_trace(bad));
    std::minstd_rand random(1);  // NOLINT(cert-msc51-cpp): the same bytes each time
    for (int round = 0; round < 20000; ++round) {
        std::string bytes(random() % 40, '\0');
        for (auto& byte : bytes) byte = static_cast<char>(random());
        (void)decode_trace(bytes);
    }
}

TEST_CASE("Credentials for the engine are URL-safe base64 with padding") {
    const RegistryAuth auth{"host:5000", {"user", Secret("pässword>?")}, {}};
    CHECK(registry_auth_header(nullptr) == "e30=");
    CHECK(registry_auth_header(&auth) ==
          "eyJ1c2VybmFtZSI6InVzZXIiLCJwYXNzd29yZCI6InDDpHNzd29yZD4_Iiwic2VydmVyYWRkcmVzcyI6Imhvc3Q6NTAwMCJ9");
    CHECK(registry_config_header({auth}) ==
          "eyJob3N0OjUwMDAiOnsidXNlcm5hbWUiOiJ1c2VyIiwicGFzc3dvcmQiOiJww6Rzc3dvcmQ-PyJ9fQ==");
    const RegistryAuth token{"h", {}, Secret("t")};
    CHECK(registry_auth_header(&token) == "eyJpZGVudGl0eXRva2VuIjoidCIsInNlcnZlcmFkZHJlc3MiOiJoIn0=");
}

TEST_CASE("A pull that fails in its stream says how") {
    const auto kind_of = [](std::string_view text) {
        PullStream stream(nullptr);
        stream.feed(R"({"status":"Pulling from a","id":"1"})"
                    "\n");
        stream.feed(Json::object().set("error", text).dump());
        try {
            stream.finish("pulling a");
        } catch (const Error& error) {
            CHECK(error.message() == "pulling a: " + std::string(text));
            return error.kind();
        }
        return ErrorKind::Bug;
    };
    CHECK(kind_of("manifest for a:1 not found: manifest unknown: manifest unknown") == ErrorKind::NotFound);
    CHECK(kind_of("Head \"http://h/v2/\": no basic auth credentials") == ErrorKind::Unauthorized);
    CHECK(kind_of("pull access denied for a, repository does not exist or may require 'docker login'") ==
          ErrorKind::Unauthorized);
    CHECK(kind_of("dial tcp 127.0.0.1:1: connect: connection refused") == ErrorKind::Transient);
    CHECK(kind_of("write /x: no space left on device") == ErrorKind::Io);
}
