// A mustache template's tags, looked at before it is rendered: mustache itself takes a misspelt variable for an empty
// one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace envbuild::dockerfile {

// InvalidInput, naming template, line and the nearest known name, for a tag whose variable is not among `known`; also
// for partials and changed delimiters, which envbuild's templates do not have.
void check_template(std::string_view name, std::string_view text, const std::vector<std::string>& known);

}  // namespace envbuild::dockerfile
