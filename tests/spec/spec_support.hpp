// What the tests of this folder share: reading text as a file of a given name, with nothing of the machine in it.
#pragma once

#include <string>
#include <string_view>

#include "spec/environment_reader.hpp"
#include "spec/lint.hpp"

namespace envbuild::spec::test {

// Answers for every path: an empty requirements file, a digest of the path.
class NamedSources final : public SourceAccess {
  public:
    [[nodiscard]] std::string read_text(const std::filesystem::path&) const override { return ""; }
    [[nodiscard]] Digest digest_source(const std::filesystem::path& path) const override {
        return sha256(path.filename().string());
    }
};

[[nodiscard]] const SourceAccess& named_sources();
[[nodiscard]] ReadOptions plain_options();
[[nodiscard]] ReadResult read(std::string_view text, ReadOptions options = plain_options());
// The hash as 64 hex digits, or "refused: …".
[[nodiscard]] std::string hash_of(std::string_view text, ReadOptions options = plain_options());
// The error's text, or "taken".
[[nodiscard]] std::string refusal(std::string_view text, ReadOptions options = plain_options());
// The warnings, a line each.
[[nodiscard]] std::string warnings(std::string_view text, ReadOptions options = plain_options());

}  // namespace envbuild::spec::test
