// Apart from json.cpp because envbuild-install, which is linked statically, brings a parser of its own.
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <functional>

#include "base/json.hpp"

namespace envbuild {

namespace {

constexpr std::size_t kMaxDepth = 256;

Json convert(simdjson::dom::element element) {
    using Type = simdjson::dom::element_type;
    switch (element.type()) {
        case Type::NULL_VALUE:
            return {};
        case Type::BOOL:
            return Json(element.get_bool().value_unsafe());
        case Type::INT64:
            return Json(element.get_int64().value_unsafe());
        case Type::UINT64:
            return Json(static_cast<double>(element.get_uint64().value_unsafe()));
        case Type::DOUBLE:
            return Json(element.get_double().value_unsafe());
        case Type::STRING:
            return Json(element.get_string().value_unsafe());
        case Type::ARRAY: {
            Json::Array array;
            const auto items = element.get_array().value_unsafe();
            for (const auto item : items) array.push_back(convert(item));
            return Json(std::move(array));
        }
        case Type::OBJECT: {
            Json::Object object;
            const auto fields = element.get_object().value_unsafe();
            for (const auto field : fields) {
                object.emplace_back(std::string(field.key), convert(field.value));
            }
            // A repeated key keeps its last value; a sorted look-up finds repeats without a quadratic walk.
            std::vector<std::size_t> order(object.size());
            for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
            std::ranges::sort(order, {},
                              [&](std::size_t i) { return std::pair(std::string_view(object[i].first), i); });
            std::vector<std::size_t> dead;
            for (std::size_t i = 1; i < order.size(); ++i) {
                if (object[order[i - 1]].first == object[order[i]].first) dead.push_back(order[i - 1]);
            }
            std::ranges::sort(dead, std::greater{});
            for (const std::size_t i : dead) object.erase(object.begin() + static_cast<std::ptrdiff_t>(i));
            return Json(std::move(object));
        }
    }
    return {};
}

}  // namespace

Expected<Json> Json::parse(std::string_view text) {
    simdjson::dom::parser parser;
    if (const auto error = parser.allocate(text.size() + 1, kMaxDepth)) {
        return fail(ErrorKind::Corrupt, fmt::format("JSON: {}", simdjson::error_message(error)));
    }
    const simdjson::padded_string padded(text);
    simdjson::dom::element root;
    if (const auto error = parser.parse(padded).get(root)) {
        return fail(ErrorKind::Corrupt, fmt::format("not valid JSON: {}", simdjson::error_message(error)));
    }
    return convert(root);
}

}  // namespace envbuild
