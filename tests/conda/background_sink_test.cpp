#include "conda/background_sink.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <stdexcept>

using namespace envbuild;
using conda::BackgroundSink;

namespace {

std::string text_of(std::size_t size) {
    std::string text(size, 'a');
    for (std::size_t i = 0; i < size; i += 13) text[i] = static_cast<char>('a' + i / 13 % 26);
    return text;
}

}  // namespace

TEST_CASE("a background sink gives all in its order, whatever the pieces it comes in") {
    constexpr auto kPiece = BackgroundSink::kPiece;
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kPiece - 1, kPiece, kPiece + 1, 40 * kPiece + 5}) {
        const auto text = text_of(size);
        for (const std::size_t piece : {std::size_t{1000}, kPiece, 3 * kPiece + 1}) {
            std::string given;
            BackgroundSink sink([&](std::string_view bytes) { given += bytes; });
            for (std::string_view left = text; !left.empty(); left.remove_prefix(std::min(piece, left.size())))
                sink.write(left.substr(0, piece));
            sink.finish();
            CHECK(given == text);
        }
    }
}

TEST_CASE("a background sink passes on what its function throws, and calls it no more") {
    const auto text = text_of(BackgroundSink::kPiece);
    for (const int broken : {0, 1, 7, 50}) {
        std::atomic<int> calls = 0;
        BackgroundSink sink([&](std::string_view) {
            if (calls++ == broken) throw std::runtime_error("no more");
        });
        const auto give_all = [&] {
            for (int i = 0; i <= 50; ++i) sink.write(text);
            sink.finish();
        };
        CHECK_THROWS_WITH(give_all(), "no more");
        CHECK(calls == broken + 1);
    }
    // Too little for a thread.
    BackgroundSink sink([](std::string_view) { throw std::runtime_error("none"); });
    sink.write("a");
    CHECK_THROWS_WITH(sink.finish(), "none");
}

TEST_CASE("a background sink that is dropped ends its thread, and what it was not given is gone") {
    const auto text = text_of(BackgroundSink::kPiece);
    std::atomic<int> calls = 0;
    {
        BackgroundSink sink([&](std::string_view) { ++calls; });
        for (int i = 0; i < 5; ++i) sink.write(text);
        sink.write("and more");
    }
    CHECK(calls <= 5);
}
