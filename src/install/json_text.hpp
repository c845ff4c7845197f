// A small JSON reader for envbuild-install: Debian has no static simdjson, and the documents here are small.
#pragma once

#include <string_view>

#include "base/json.hpp"

namespace envbuild::install {

// As Json::parse promises it.
[[nodiscard]] Expected<Json> parse_json_text(std::string_view text);

}  // namespace envbuild::install
