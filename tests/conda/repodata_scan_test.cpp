#include "conda/repodata_scan.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <random>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "conda/plain_scan_support.hpp"

using namespace envbuild;
using namespace envbuild::conda;
using testing::described;

namespace {

std::string scanned(std::string_view text, std::size_t piece) {
    try {
        RepoDataScanner scanner("it");
        for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) scanner.feed(text.substr(0, piece));
        return described(scanner.finish());
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::Corrupt) throw;
        return "refused: " + error.message();
    }
}

std::string scanned(std::string_view text) {
    return scanned(text, std::max<std::size_t>(text.size(), 1));
}

std::string plainly_scanned(std::string_view text) {
    try {
        return described(testing::plain_scan(text));
    } catch (const Error&) {
        return "refused";
    }
}

bool is_refused(const std::string& outcome) {
    return outcome.starts_with("refused");
}

// What both say, but that the scanner may refuse more of what is no JSON.
void check_like_plain(std::string_view text) {
    const auto ours = scanned(text), plain = plainly_scanned(text);
    const bool same = is_refused(ours) ? is_refused(plain) || !nlohmann::json::accept(text) : ours == plain;
    if (same) return;
    INFO("text:  " << text);
    INFO("ours:  " << ours);
    INFO("plain: " << plain);
    CHECK(same);
}

// Repodata of any shape and spelling: what is odd in one place in many.
class Maker {
  public:
    explicit Maker(unsigned seed) : random_(seed) {}

    std::size_t below(std::size_t count) { return std::uniform_int_distribution<std::size_t>(0, count - 1)(random_); }
    template <class T, std::size_t N>
    T one_of(const T (&all)[N]) {
        return all[below(N)];
    }

    std::string document() {
        wordy_ = below(3) == 0;
        std::string text = blank();
        const auto members = below(6);
        std::string body;
        for (std::size_t i = 0; i < members; ++i) body += (i > 0 ? "," : "") + blank() + member() + blank();
        return text + "{" + (body.empty() ? blank() : body) + "}" + blank();
    }

    std::string damaged(std::string text) {
        constexpr char kBytes[] = {'"', '\\', '{', '}', '[', ']', ':', ',', ' ', 'x', '1', '\0', '\n', '\x80', '\xc3'};
        for (auto count = 1 + below(2); count > 0 && !text.empty(); --count) {
            const auto at = below(text.size());
            const auto kind = below(3);
            if (kind == 0) text[at] = one_of(kBytes);
            if (kind == 1) text.erase(at, 1 + below(3));
            if (kind == 2) text.insert(at, 1, one_of(kBytes));
        }
        return text;
    }

  private:
    std::string blank() {
        if (!wordy_) return "";
        constexpr const char* kBlanks[] = {"", "", " ", "\n  ", "\t", "\r\n", "          "};
        return std::string(one_of(kBlanks)) + (below(20) == 0 ? std::string(below(200), ' ') : "");
    }

    std::string member() {
        const auto kind = below(12);
        if (kind < 3) return key("packages") + packages();
        if (kind < 6) return key("packages.conda") + packages();
        if (kind == 6) return key("p\\u0061ckages") + packages();
        if (kind == 7) return key("info") + info();
        if (kind == 8) return key("removed") + array(below(4));
        if (kind == 9) return key("removed") + value(2);
        if (kind == 10 && below(8) == 0) return key("packages") + value(1);
        return string() + blank() + ":" + blank() + value(3);
    }

    std::string key(const std::string& name) { return "\"" + name + "\"" + blank() + ":" + blank(); }

    std::string info() {
        std::string text = "{" + key("subdir") + "\"linux-64\"";
        if (below(2) == 0) text += "," + key("base_url") + string();
        if (below(4) == 0) text += "," + key("base_url") + value(1);
        if (below(4) == 0) text += "," + string() + ":" + value(2);
        return text + blank() + "}";
    }

    std::string packages() {
        std::string text = "{" + blank();
        const auto count = below(5);
        for (std::size_t i = 0; i < count; ++i) {
            text += i > 0 ? "," + blank() : "";
            text += (below(8) == 0 ? string() : "\"" + std::string(one_of(kNames)) + "-1.0-0.conda\"") + blank() + ":" +
                    blank() + (below(8) == 0 ? value(2) : record()) + blank();
        }
        return text + "}";
    }

    std::string record() {
        std::string text = "{" + blank();
        const auto count = below(7);
        for (std::size_t i = 0; i < count; ++i) {
            text += i > 0 ? "," + blank() : "";
            const auto kind = below(8);
            if (kind < 3) text += key("name") + "\"" + one_of(kNames) + "\"";
            if (kind == 3) text += key("depends") + array(below(4));
            if (kind == 4) text += key("size") + value(1);
            if (kind == 5) text += key("name") + value(2);
            if (kind == 6) text += string() + ":" + value(3);
            if (kind == 7) text += key("license") + "\"name\"";
            text += blank();
        }
        return text + "}";
    }

    std::string value(int depth) {
        constexpr const char* kScalars[] = {"true", "false", "null", "0", "-1.5e3", "12345678901234567890"};
        const auto kind = below(depth > 0 ? 5 : 3);
        if (kind == 0) return one_of(kScalars);
        if (kind < 3) return string();
        if (kind == 3) {
            std::string text = "[";
            for (auto count = below(4); count > 0; --count) text += value(depth - 1) + (count > 1 ? "," : "");
            return text + blank() + "]";
        }
        std::string text = "{" + blank();
        for (auto count = below(4); count > 0; --count)
            text += (below(3) == 0 ? key("name") : string() + ":") + value(depth - 1) + (count > 1 ? "," : "");
        return text + "}";
    }

    std::string array(std::size_t count) {
        std::string text = "[" + blank();
        for (; count > 0; --count) text += string() + blank() + (count > 1 ? "," : "");
        return text + "]";
    }

    std::string string() {
        constexpr const char* kPieces[] = {"a",        "numpy",       "name",     "\\\"", "\\\\",
                                           "\\n",      "\\u00e9",     "{",        "}",    "]",
                                           "[",        ":",           ",",        " ",    "/",
                                           "\xc3\xa9", "\\\\\\\"",    "packages", "info", "\xf0\x9f\x8d\xb0",
                                           "\\t",      "-1.0-0.conda"};
        std::string text = "\"";
        for (auto count = below(5); count > 0; --count) text += one_of(kPieces);
        if (below(30) == 0) text += std::string(below(150), below(2) == 0 ? 'x' : ' ');
        return text + "\"";
    }

    static constexpr const char* kNames[] = {"numpy", "python", "a", "", "n\\u0061me", "caf\xc3\xa9", "name", "x\\\"y"};

    std::mt19937 random_;
    bool wordy_ = false;
};

std::string sample() {
    return read_file(std::string(ENVBUILD_SOURCE_DIR) + "/tests/conda/data/repodata.json");
}

}  // namespace

TEST_CASE("blocks of JSON: vectors see what a look at each byte does") {
    std::mt19937 random(7);
    constexpr char kBytes[] = {'"',    '\\',   '{',    '}',    '[',    ']', 'a',  'Z', ' ', '\0',
                               '\x1f', '\x20', '\x7f', '\x80', '\xff', ';', '\\', '|', '_'};
    for (int round = 0; round < 2000; ++round) {
        std::string bytes(kJsonBlock, 'a');
        for (auto& byte : bytes) byte = round % 2 == 0 ? static_cast<char>(random()) : kBytes[random() % sizeof kBytes];
        REQUIRE(mask_json_bytes(bytes.data()) == mask_json_bytes_plainly(bytes.data()));
        const auto blanks = mask_json_blanks(bytes.data());
        for (std::size_t i = 0; i < kJsonBlock; ++i)
            REQUIRE((blanks >> i & 1) == (std::string_view(" \t\r\n").find(bytes[i]) != std::string_view::npos));
    }
}

TEST_CASE("a scan finds in any repodata what a plain reading finds, whatever the pieces it comes in") {
    Maker make(20261123);
    std::size_t taken = 0;
    for (int round = 0; round < 2000; ++round) {
        const auto text = make.document();
        REQUIRE(nlohmann::json::accept(text));
        const auto outcome = scanned(text), plain = plainly_scanned(text);
        INFO(text);
        REQUIRE(is_refused(outcome) == is_refused(plain));
        if (!is_refused(outcome)) {
            ++taken;
            REQUIRE(outcome == plain);
        }
        for (const std::size_t piece : {1, 2, 3, 7, 31, 63, 64, 65, 127, 1000}) {
            INFO(piece);
            REQUIRE(scanned(text, piece) == outcome);
        }
    }
    CHECK(taken > 1000);
}

TEST_CASE("a scan of damaged repodata ends as a plain reading does, or refuses more of what is no JSON") {
    Maker make(4);
    for (int round = 0; round < 4000; ++round) {
        const auto text = make.damaged(make.document());
        check_like_plain(text);
        const auto outcome = scanned(text);
        for (const std::size_t piece : {1, 5, 64}) REQUIRE(scanned(text, piece) == outcome);
    }
}

TEST_CASE("a scan refuses whatever was cut off, at every byte") {
    Maker make(99);
    std::vector<std::string> texts = {sample()};
    for (int i = 0; i < 20; ++i) texts.push_back(make.document());
    for (const auto& text : texts) {
        const auto end = text.rfind('}');
        for (std::size_t length = 0; length <= end; ++length) {
            INFO(text.substr(0, length));
            REQUIRE(is_refused(scanned(std::string_view(text).substr(0, length))));
        }
    }
}

TEST_CASE("a scan of the sample with each byte damaged ends as a plain reading does") {
    const auto whole = sample();
    for (std::size_t at = 0; at < whole.size(); ++at) {
        for (const char byte : {'"', '}', '\0', '\\'}) {
            auto text = whole;
            text[at] = byte;
            check_like_plain(text);
        }
    }
}

TEST_CASE("a scan takes nesting of any depth, and keys and names of any length") {
    for (const std::size_t depth : {1000, 5000}) {
        const auto nested = std::string(depth, '[') + std::string(depth, ']');
        check_like_plain(R"({"x":)" + nested + R"(,"packages":{"a-1-0.conda":{"name":"a","y":)" + nested + "}}}");
        check_like_plain(R"({"packages":{"a":)" + nested + "}}");
    }
    for (const std::size_t length : {65535, 65536, 300000}) {
        const std::string word(length, 'k');
        check_like_plain(R"({"packages":{")" + word + R"(":{"name":"a"},"b":{"name":")" + word +
                         R"("},"c":{"name":"c"}}})");
        check_like_plain("{\"" + word + R"(":"x","packages":{}})");
        check_like_plain(R"({"packages":{"a":{)" + std::string(length, ' ') + R"("name")" + std::string(length, '\n') +
                         ":" + std::string(length, ' ') + R"("a"}}})");
    }
    CHECK(scanned(R"({"packages":{"a":{"name":"a"}}})") == "1 0 ''\na 14+1:17+12\n");
    CHECK(is_refused(scanned("\xef\xbb\xbf{\"packages\":{}}")));
}

TEST_CASE("a scan does not hold what never ends") {
    constexpr std::size_t kLimit = 1 << 20;
    const std::string many(3 << 20, 'x');
    for (const std::string& begin : {R"({"info":{"a":")" + many, R"({"removed":[")" + many,
                                     R"({"packages":{"a":{"name":")" + many, R"({")" + many}) {
        INFO(begin.substr(0, 30));
        RepoDataScanner scanner("it", kLimit);
        try {
            scanner.feed(begin);
            FAIL("it was taken");
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::Corrupt);
            CHECK_THAT(error.message(), Catch::StartsWith("it has ") && Catch::Contains("more than 1048576 bytes"));
        }
    }
    RepoDataScanner scanner("it", kLimit);  // what is not held may be of any size
    scanner.feed(R"({"x":")" + many + R"(","packages":{}})");
    CHECK(scanner.finish().count == 0);
}
