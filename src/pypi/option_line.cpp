#include "pypi/option_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/strings.hpp"

namespace envbuild::pypi {

namespace {

enum class Option : std::uint8_t {
    IndexUrl,
    ExtraIndexUrl,
    FindLinks,
    NoIndex,
    Pre,
    PreferBinary,
    RequireHashes,
    NoBinary,
    OnlyBinary,
    TrustedHost,
    UseFeature,
    Requirement,
    Constraint,
    Editable,
    Hash,
    ConfigSettings,
    GlobalOption,
};

struct Known {
    std::string_view name;
    Option option;
    bool takes_value;
    bool of_requirement;  // belongs on a requirement's own line
};
constexpr std::array kKnown = {
    Known{"--index-url", Option::IndexUrl, true, false},
    Known{"-i", Option::IndexUrl, true, false},
    Known{"--pypi-url", Option::IndexUrl, true, false},
    Known{"--extra-index-url", Option::ExtraIndexUrl, true, false},
    Known{"--find-links", Option::FindLinks, true, false},
    Known{"-f", Option::FindLinks, true, false},
    Known{"--no-index", Option::NoIndex, false, false},
    Known{"--pre", Option::Pre, false, false},
    Known{"--prefer-binary", Option::PreferBinary, false, false},
    Known{"--require-hashes", Option::RequireHashes, false, false},
    Known{"--no-binary", Option::NoBinary, true, false},
    Known{"--only-binary", Option::OnlyBinary, true, false},
    Known{"--trusted-host", Option::TrustedHost, true, false},
    Known{"--use-feature", Option::UseFeature, true, false},
    Known{"--requirement", Option::Requirement, true, false},
    Known{"-r", Option::Requirement, true, false},
    Known{"--constraint", Option::Constraint, true, false},
    Known{"-c", Option::Constraint, true, false},
    Known{"--editable", Option::Editable, true, false},
    Known{"-e", Option::Editable, true, false},
    Known{"--hash", Option::Hash, true, true},
    Known{"--config-settings", Option::ConfigSettings, true, true},
    Known{"--config-setting", Option::ConfigSettings, true, true},
    Known{"-C", Option::ConfigSettings, true, true},
    Known{"--global-option", Option::GlobalOption, true, true},
};

std::unexpected<LineFault> fault(std::size_t offset, std::string message, std::string hint = "") {
    return std::unexpected(LineFault{std::move(message), std::move(hint), offset});
}

struct Token {
    std::string text;
    std::size_t offset = 0;
};

// As shlex splits: quotes and backslashes.
LineResult<std::vector<Token>> shell_words(std::string_view text, std::size_t base) {
    std::vector<Token> words;
    std::size_t i = 0;
    while (true) {
        while (i < text.size() && (text[i] == ' ' || text[i] == '\t')) ++i;
        if (i >= text.size()) return words;
        Token word{"", base + i};
        char quote = 0;
        for (; i < text.size() && (quote != 0 || (text[i] != ' ' && text[i] != '\t')); ++i) {
            if (quote != '\'' && text[i] == '\\' && i + 1 < text.size()) {
                word.text += text[++i];
            } else if (quote == 0 && (text[i] == '"' || text[i] == '\'')) {
                quote = text[i];
            } else if (quote != 0 && text[i] == quote) {
                quote = 0;
            } else {
                word.text += text[i];
            }
        }
        if (quote != 0) return fault(word.offset, "the quote is not closed");
        words.push_back(std::move(word));
    }
}

// The option that a word begins, with the value after '=' or, for short ones, attached; abbreviations as pip takes
// them.
const Known* find_option(std::string_view word, std::optional<std::string>& value) {
    if (!word.starts_with("--")) {
        const auto known = std::ranges::find(kKnown, word.substr(0, 2), &Known::name);
        if (known == kKnown.end()) return nullptr;
        if (word.size() > 2) value = std::string(word.substr(2));
        return known;
    }
    const auto equals = word.find('=');
    const auto name = word.substr(0, equals);
    if (equals != std::string_view::npos) value = std::string(word.substr(equals + 1));
    const Known* found = nullptr;
    for (const auto& known : kKnown) {
        if (known.name == name) return &known;
        if (name.size() < 4 || !known.name.starts_with(name)) continue;
        if (found != nullptr && found->option != known.option) return nullptr;
        found = &known;
    }
    return found;
}

std::unexpected<LineFault> unknown_option(const Token& word, bool after_requirement) {
    const std::string name = word.text.substr(0, word.text.find('='));
    if (name == "--install-option") {
        return fault(word.offset, "--install-option is gone from pip", "write --config-settings, or leave it out");
    }
    if (name == "--no-deps" || name == "--upgrade" || name == "-U" || name == "--user" || name == "--no-cache-dir" ||
        name == "--no-build-isolation" || name == "--target" || name == "--force-reinstall" ||
        name == "--ignore-installed") {
        return fault(word.offset,
                     fmt::format("{} is an option of the command pip install, not of a requirements file", name),
                     "leave it out");
    }
    std::vector<std::string> names;
    for (const auto& known : kKnown) names.emplace_back(known.name);
    const std::string near = nearest(name, names);
    return fault(word.offset, fmt::format("pip knows no option {} in a requirements file", name),
                 !near.empty()       ? fmt::format("did you mean {}?", near)
                 : after_requirement ? "leave it out"
                                     : "");
}

LineResult<void> apply(OptionLine& out, const Known& known, std::string value, std::size_t offset) {
    switch (known.option) {
        case Option::IndexUrl:
            out.index_url = std::move(value);
            break;
        case Option::ExtraIndexUrl:
            out.extra_index_urls.push_back(std::move(value));
            break;
        case Option::FindLinks:
            out.find_links.push_back(std::move(value));
            break;
        case Option::NoIndex:
            out.no_index = true;
            break;
        case Option::Pre:
            out.pre = true;
            break;
        case Option::PreferBinary:
            out.prefer_binary = true;
            break;
        case Option::RequireHashes:
            out.require_hashes = true;
            break;
        case Option::NoBinary:
            out.formats.emplace_back(false, std::move(value));
            break;
        case Option::OnlyBinary:
            out.formats.emplace_back(true, std::move(value));
            break;
        case Option::TrustedHost:
            out.trusted_hosts.push_back(to_lower(value));
            break;
        case Option::UseFeature:
            out.warnings.push_back(fmt::format("--use-feature={} is ignored: it speaks to one version of pip", value));
            break;
        case Option::Requirement:
            out.includes.emplace_back(std::move(value), false);
            break;
        case Option::Constraint:
            out.includes.emplace_back(std::move(value), true);
            break;
        case Option::Editable:
            out.editables.push_back(std::move(value));
            break;
        case Option::Hash: {
            auto hash = parse_hash(value);
            if (!hash) return fault(offset, hash.error().message);
            out.hashes.push_back(std::move(*hash));
            break;
        }
        case Option::ConfigSettings:
            out.requirement_options.push_back("--config-settings=" + value);
            break;
        case Option::GlobalOption:
            out.requirement_options.push_back("--global-option=" + value);
            break;
    }
    return {};
}

}  // namespace

LineResult<OptionLine> parse_option_line(std::string_view line) {
    OptionLine out;
    // pip's break_args_options: everything before the first word that begins with '-'.
    std::size_t begin = 0;
    while (begin < line.size() && line[begin] != '-') {
        const auto space = line.find_first_of(" \t", begin);
        begin =
            space == std::string_view::npos ? line.size() : std::min(line.find_first_not_of(" \t", space), line.size());
    }
    out.requirement = trim(line.substr(0, begin));
    auto words = shell_words(line.substr(begin), begin);
    if (!words) return std::unexpected(words.error());
    for (std::size_t i = 0; i < words->size(); ++i) {
        const Token& word = (*words)[i];
        if (!word.text.starts_with('-')) {
            // "-e ./a ; marker" and "-r a.txt b.txt": the first belongs to -e, the second is a slip.
            if (!out.editables.empty() && i > 0) {
                out.editables.back() += " " + word.text;
                continue;
            }
            return fault(word.offset, fmt::format("'{}' belongs to no option", word.text),
                         "put each requirement on its own line");
        }
        std::optional<std::string> value;
        const Known* known = find_option(word.text, value);
        if (known == nullptr) return unknown_option(word, !out.requirement.empty());
        if (!out.requirement.empty() && !known->of_requirement) {
            return fault(word.offset,
                         fmt::format("{} counts for the whole file and cannot stand behind a requirement", known->name),
                         fmt::format("put {} on a line of its own", known->name));
        }
        if (out.requirement.empty() && known->of_requirement) {
            return fault(word.offset, fmt::format("{} belongs behind a requirement, on the same line", known->name));
        }
        if (known->takes_value && !value) {
            if (i + 1 >= words->size()) return fault(word.offset, fmt::format("{} needs a value", known->name));
            value = (*words)[++i].text;
        }
        if (!known->takes_value && value) return fault(word.offset, fmt::format("{} takes no value", known->name));
        if (known->takes_value && trim(*value).empty())
            return fault(word.offset, fmt::format("{} needs a value", known->name));
        auto applied = apply(out, *known, value.value_or(""), word.offset);
        if (!applied) return std::unexpected(applied.error());
    }
    return out;
}

}  // namespace envbuild::pypi
