// Where a text stops being JSON (RFC 8259): simdjson says that it does, and not where. Internal to this folder.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace envbuild::spec {

struct JsonFault {
    int line = 0, column = 0;  // from 1, the column in bytes
    std::string message;       // "a comma or '}' is missing"
};

// The first slip; nothing where the text is JSON, or is deeper than 256.
[[nodiscard]] std::optional<JsonFault> find_json_fault(std::string_view text);

}  // namespace envbuild::spec
