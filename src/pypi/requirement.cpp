#include "pypi/requirement.hpp"

#include <fmt/format.h>

namespace envbuild::pypi {

Expected<Requirement> Requirement::parse(std::string_view text) {
    const auto line = parse_requirement(text);
    if (!line) return std::unexpected(line.error());
    return from_line(*line);
}

Expected<Requirement> Requirement::from_line(const RequirementLine& line) {
    if (line.kind == RequirementLine::Kind::Local || line.name.empty()) {
        return fail(ErrorKind::InvalidInput, fmt::format("'{}' does not say which package it is", line.canonical()));
    }
    auto specifier = SpecifierSet::parse(line.specifier);
    if (!specifier) return std::unexpected(std::move(specifier.error()));
    Requirement out{line.name, line.extras, std::move(*specifier), {}, {}};
    if (!line.marker.empty()) {
        auto marker = Marker::parse(line.marker);
        if (!marker) return std::unexpected(std::move(marker.error()));
        out.marker = std::move(*marker);
    }
    if (line.kind != RequirementLine::Kind::Named) out.url = line.url;
    return out;
}

std::string Requirement::to_string() const {
    RequirementLine line;
    line.name = name;
    line.extras = extras;
    line.specifier = specifier.to_string();
    line.marker = marker.to_string();
    if (url) {
        line.kind = url->scheme().find('+') == std::string::npos ? RequirementLine::Kind::DirectUrl
                                                                 : RequirementLine::Kind::Vcs;
        line.url = *url;
    }
    return line.canonical();
}

}  // namespace envbuild::pypi
