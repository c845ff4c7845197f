#include "cli/differences.hpp"

#include <fmt/format.h>

namespace envbuild::cli {

std::string text_of(const build::KeyDifference& difference) {
    if (!difference.before.empty() && !difference.after.empty())
        return fmt::format("{}: {} -> {}", difference.part, difference.before, difference.after);
    return difference.before.empty() ? fmt::format("{}: + {}", difference.part, difference.after)
                                     : fmt::format("{}: - {}", difference.part, difference.before);
}

Json to_json(const std::vector<build::KeyDifference>& differences) {
    const auto side = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
    Json list = Json::array();
    for (const auto& one : differences)
        list.push(Json::object().set("part", one.part).set("before", side(one.before)).set("after", side(one.after)));
    return list;
}

}  // namespace envbuild::cli
