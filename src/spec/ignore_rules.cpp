#include "spec/ignore_rules.hpp"

#include <algorithm>
#include <array>

#include "base/fs.hpp"
#include "base/strings.hpp"

namespace envbuild::spec {

namespace {

constexpr std::array<std::string_view, 10> kAlways = {
    ".git", ".hg", ".svn", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".tox", ".venv", ".DS_Store"};

// Matches with at most |text| * |pattern| steps: one remembered place for each kind of star.
bool glob(std::string_view pattern, std::string_view text) {
    std::vector<bool> reach(text.size() + 1, false);
    reach[0] = true;
    for (std::size_t p = 0; p < pattern.size(); ++p) {
        std::vector<bool> next(text.size() + 1, false);
        if (pattern.substr(p).starts_with("**")) {
            bool any = false;
            for (std::size_t t = 0; t <= text.size(); ++t) next[t] = any = any || reach[t];
            ++p;
            // "**/" also stands for no segment at all.
            if (p + 1 < pattern.size() && pattern[p + 1] == '/') {
                for (std::size_t t = text.size(); t > 0; --t) next[t] = next[t] && text[t - 1] == '/';
                next[0] = reach[0];
                for (std::size_t t = 1; t <= text.size(); ++t) next[t] = next[t] || reach[t];
                ++p;
            }
        } else if (pattern[p] == '*') {
            bool any = false;
            for (std::size_t t = 0; t <= text.size(); ++t) {
                any = (any && t > 0 && text[t - 1] != '/') || reach[t];
                next[t] = any;
            }
        } else {
            for (std::size_t t = 0; t < text.size(); ++t) {
                next[t + 1] = reach[t] && (pattern[p] == text[t] || (pattern[p] == '?' && text[t] != '/'));
            }
        }
        reach = std::move(next);
    }
    return reach[text.size()];
}

}  // namespace

IgnoreRules IgnoreRules::parse(std::string_view text) {
    IgnoreRules out;
    for (const auto line : split(text, '\n')) {
        auto pattern = trim(line);
        if (pattern.empty() || pattern.starts_with('#')) continue;
        Rule rule;
        rule.negated = pattern.starts_with('!');
        if (rule.negated) pattern.remove_prefix(1);
        rule.directories_only = pattern.ends_with('/');
        while (pattern.ends_with('/')) pattern.remove_suffix(1);
        rule.anchored = pattern.find('/') != std::string_view::npos;
        while (pattern.starts_with('/')) pattern.remove_prefix(1);
        if (pattern.starts_with("./")) pattern.remove_prefix(2);
        if (pattern.empty()) continue;
        rule.pattern = pattern;
        out.rules_.push_back(std::move(rule));
    }
    return out;
}

IgnoreRules IgnoreRules::of_folder(const std::filesystem::path& root) {
    for (const auto* name : {".dockerignore", ".gitignore"}) {
        if (const auto text = read_file_if_exists(root / name)) return parse(*text);
    }
    return {};
}

bool IgnoreRules::ignores(std::string_view path, bool directory) const {
    const auto name = path.substr(path.rfind('/') + 1);
    if (std::ranges::find(kAlways, name) != kAlways.end() || name.ends_with(".pyc") ||
        (directory && name.ends_with(".egg-info")))
        return true;
    bool ignored = false;
    for (const auto& rule : rules_) {
        if (rule.directories_only && !directory) continue;
        if (glob(rule.pattern, rule.anchored ? path : name)) ignored = !rule.negated;
    }
    return ignored;
}

}  // namespace envbuild::spec
