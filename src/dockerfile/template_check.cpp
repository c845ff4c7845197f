#include "dockerfile/template_check.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/strings.hpp"

namespace envbuild::dockerfile {

void check_template(std::string_view name, std::string_view text, const std::vector<std::string>& known) {
    std::size_t at = 0;
    const auto refuse = [&](std::string_view why, std::string hint) {
        const auto line = 1 + std::ranges::count(text.substr(0, at), '\n');
        throw Error(ErrorKind::InvalidInput, fmt::format("{}:{}: {}", name, line, why)).with_hint(std::move(hint));
    };
    while ((at = text.find("{{", at)) != std::string_view::npos) {
        const auto end = text.find("}}", at);
        if (end == std::string_view::npos) refuse("a tag is not closed", "end it with }}");
        auto tag = text.substr(at + 2, end - at - 2);
        const char kind = tag.empty() ? ' ' : tag.front();
        if (kind == '>' || kind == '=')
            refuse(fmt::format("the tag {{{{{}}}}} is not supported", tag), "partials and other delimiters are not");
        if (kind != '!') {
            if (std::string_view("{#^/&").find(kind) != std::string_view::npos) tag.remove_prefix(1);
            const std::string variable(trim(tag));
            if (std::ranges::find(known, variable) == known.end()) {
                const auto near = nearest(variable, known);
                refuse(fmt::format("there is no variable '{}'", variable),
                       near.empty() ? "docs/templates.md lists them" : fmt::format("did you mean '{}'?", near));
            }
        }
        at = end + 2;
    }
}

}  // namespace envbuild::dockerfile
