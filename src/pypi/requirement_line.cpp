#include "pypi/requirement_line.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.hpp"
#include "pypi/line_parser.hpp"

namespace envbuild::pypi {

std::string normalize_name(std::string_view name) {
    std::string out;
    bool separator = false;
    for (const char c : to_lower(trim(name))) {
        if (c == '-' || c == '_' || c == '.') {
            separator = true;
            continue;
        }
        if (separator) out += '-';
        separator = false;
        out += c;
    }
    return separator ? out + '-' : out;
}

namespace {

// What an ssh URL needs beside its text: the user, never a password.
std::string url_text(const Url& url) {
    std::string text = url.to_string();
    if (url.scheme().ends_with("ssh") && url.user_info() && !url.user_info()->user.empty()) {
        text.insert(url.scheme().size() + 3, percent_encode(url.user_info()->user) + "@");
    }
    return text;
}

std::string subject(const RequirementLine& line) {
    const std::string extras = line.extras.empty() ? "" : "[" + join(line.extras, ",") + "]";
    switch (line.kind) {
        case RequirementLine::Kind::Named:
            return line.name + extras + line.specifier;
        case RequirementLine::Kind::Local:
            return line.path + extras;
        case RequirementLine::Kind::DirectUrl:
        case RequirementLine::Kind::Vcs:
            break;
    }
    const std::string url = url_text(line.url);
    if (line.name.empty()) return url + extras;
    if (!line.editable) return fmt::format("{}{} @ {}", line.name, extras, url);
    // pip takes `-e` only with a URL, which then says the name in its fragment.
    return fmt::format("{}{}egg={}{}", url, line.url.fragment().empty() ? "#" : "&", line.name, extras);
}

}  // namespace

bool RequirementLine::names_wheel() const {
    return kind != Kind::Vcs && (kind == Kind::Local ? path : url.filename()).ends_with(".whl");
}

std::string RequirementLine::canonical() const {
    std::string out = editable ? "-e " : "";
    out += subject(*this);
    if (!marker.empty()) out += (kind == Kind::Named ? "; " : " ; ") + marker;
    for (const auto& hash : hashes) out += " --hash=" + hash;
    for (const auto& option : options) out += " " + option;
    return out;
}

Expected<RequirementLine> parse_requirement(std::string_view text) {
    std::vector<Url> with_credentials;
    auto line = parse_named(trim(text), with_credentials);
    if (line) return std::move(*line);
    const auto& fault = line.error();
    std::string hint = fault.hint;
    if (redact(text) == text) {
        hint = fmt::format("{}\n{}^{}{}", trim(text), std::string(fault.offset, ' '), hint.empty() ? "" : "\n", hint);
    }
    return std::unexpected(Error(ErrorKind::InvalidInput, fault.message).with_hint(std::move(hint)));
}

}  // namespace envbuild::pypi
