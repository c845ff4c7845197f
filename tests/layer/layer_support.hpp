// Makes and reads archives for the tests of layer/. Reading is libarchive's: another implementation than the one under
// test.
#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "layer/codec.hpp"
#include "layer/tar_entry.hpp"

namespace layer_test {

struct Member {
    envbuild::layer::TarEntry entry;
    std::string data;
    bool operator==(const Member&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Member& member);

Member file(std::string path, std::string data, std::uint32_t mode = 0644);
Member folder(std::string path);
Member soft_link(std::string path, std::string target);
Member hard_link(std::string path, std::string target);

// With envbuild's own writer.
std::string make_tar(const std::vector<Member>& members);
// With libarchive, in its format "ustar", "pax", "gnutar" or "v7tar".
std::string make_tar_with_libarchive(const std::vector<Member>& members, std::string_view format);
// With libarchive; what it warns of or cannot read throws std::runtime_error.
std::vector<Member> read_tar(const std::string& bytes);

std::string compress(std::string_view bytes, envbuild::layer::Codec codec, std::size_t threads = 2,
                     std::size_t piece = 70000);
std::string decompress(std::string_view bytes, std::size_t piece = 4096);
// Bytes that deflate finds matches in, but not only: the same for the same seed.
std::string sample(std::size_t size, unsigned seed = 1);

// The output of a program that reads `input`; std::runtime_error where it fails.
std::string run_tool(const std::vector<std::string>& argv, std::string_view input = {});

}  // namespace layer_test
