// Which files of a local source folder do not count: what version control and Python leave behind, and the patterns of
// its .dockerignore or, where there is none, its .gitignore. Internal to this folder.
//
// Patterns: '*' and '?' within a path segment, '**' across segments, '!' takes back, a trailing '/' means folders only,
// a pattern with an inner '/' begins at the root. One file at the root is read, without character classes.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace envbuild::spec {

class IgnoreRules {
  public:
    [[nodiscard]] static IgnoreRules of_folder(const std::filesystem::path& root);
    [[nodiscard]] static IgnoreRules parse(std::string_view text);

    // `path` is relative to the root, with '/'.
    [[nodiscard]] bool ignores(std::string_view path, bool directory) const;

  private:
    struct Rule {
        std::string pattern;
        bool negated = false, directories_only = false, anchored = false;
    };
    std::vector<Rule> rules_;
};

}  // namespace envbuild::spec
