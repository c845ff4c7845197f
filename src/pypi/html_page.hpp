// The anchors of an HTML page, for package indexes (PEP 503). Internal to pypi/.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace envbuild::pypi {

struct HtmlAnchor {
    std::vector<std::pair<std::string, std::string>> attributes;  // names in lower case, values with entities decoded
    std::string text;

    // The first of that name; "" for one without value.
    [[nodiscard]] std::optional<std::string_view> attribute(std::string_view name) const;
};

struct HtmlPage {
    std::string base;                // href of the first <base>; "" for none
    std::string repository_version;  // content of <meta name="pypi:repository-version">
    std::string title;
    std::vector<HtmlAnchor> anchors;
    bool interactive = false;  // holds a form or a script, as pages for people do and indexes do not
};

// Never fails: what is not understood is passed over, as browsers do; what breaks off ends there. One pass over the
// text.
[[nodiscard]] HtmlPage read_html(std::string_view text);

}  // namespace envbuild::pypi
