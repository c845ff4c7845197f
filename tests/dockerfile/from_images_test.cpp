#include <catch2/catch.hpp>

#include "dockerfile/from_images.hpp"

using namespace envbuild::dockerfile;

namespace {

std::vector<std::string> references(std::string_view dockerfile) {
    std::vector<std::string> found;
    for (const auto& image : from_images(dockerfile)) {
        CHECK(dockerfile.substr(image.offset, image.length) == image.reference);
        found.push_back(image.reference);
    }
    return found;
}

using List = std::vector<std::string>;

}  // namespace

TEST_CASE("the images of a Dockerfile's FROM lines") {
    CHECK(references("FROM ubuntu:22.04\nRUN true\n") == List{"ubuntu:22.04"});
    CHECK(references("# FROM no\nfrom   a/b@sha256:1 as x\nFROM x\nFROM scratch\nFROM c") == List{"a/b@sha256:1", "c"});
    CHECK(references("ARG V=1\nFROM ubuntu:$V\nFROM ubuntu:${V}\n").empty());
    CHECK(references("FROM a\r\nFROM b AS Two\r\nFROM two\r\n") == List{"a", "b"});
}

TEST_CASE("what only looks like a FROM line is none") {
    CHECK(references("FROM a\nRUN echo \\\nFROM b\nFROM c\n") == List{"a", "c"});
    CHECK(references("FROM a\nRUN <<EOF\nFROM b\nEOF\nFROM c\n") == List{"a", "c"});
    CHECK(references("FROM a\nCOPY <<-'X Y' <<\"Z\" /d/\n") == List{"a"});
    CHECK(references("# escape=`\nFROM a\nRUN dir `\nFROM b\nFROM c\n") == List{"a", "c"});
    CHECK(references("FROM a\nRUN echo $((1<<3))\nFROM b\n") == List{"a", "b"});
    CHECK(references("FROM --platform=linux/arm64 a AS x\nFROM x\nFROM b\n") == List{"b"});
    CHECK(references("").empty());
}
