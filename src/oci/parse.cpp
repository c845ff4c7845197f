#include "oci/parse.hpp"

#include <fmt/format.h>

namespace envbuild::oci::detail {

namespace {

[[noreturn]] void wrong(std::string_view what, std::string_view key, std::string_view wanted) {
    throw Error(ErrorKind::Corrupt, fmt::format("{}: '{}' is not {}", what, key, wanted));
}

}  // namespace

std::string optional_string(const Json& json, std::string_view key, std::string_view what) {
    const Json* member = json.find(key);
    if (member == nullptr || member->is_null()) return {};
    if (!member->is_string()) wrong(what, key, "a string");
    return member->as_string();
}

std::map<std::string, std::string> optional_string_map(const Json& json, std::string_view key, std::string_view what) {
    std::map<std::string, std::string> map;
    const Json* member = json.find(key);
    if (member == nullptr || member->is_null()) return map;
    if (!member->is_object()) wrong(what, key, "an object of strings");
    for (const auto& [name, value] : member->as_object()) {
        if (!value.is_string()) wrong(what, key, "an object of strings");
        map.emplace(name, value.as_string());
    }
    return map;
}

std::vector<std::string> optional_strings(const Json& json, std::string_view key, std::string_view what) {
    std::vector<std::string> strings;
    const Json* member = json.find(key);
    if (member == nullptr || member->is_null()) return strings;
    if (!member->is_array()) wrong(what, key, "an array of strings");
    for (const Json& value : member->as_array()) {
        if (!value.is_string()) wrong(what, key, "an array of strings");
        strings.push_back(value.as_string());
    }
    return strings;
}

std::vector<Descriptor> descriptors(const Json& json, std::string_view key, std::string_view what) {
    std::vector<Descriptor> list;
    const Json* member = json.find(key);
    if (member == nullptr || !member->is_array()) wrong(what, key, "an array of descriptors");
    for (const Json& value : member->as_array()) list.push_back(value_or_throw(Descriptor::from_json(value)));
    return list;
}

Json parse_document(std::string_view bytes, std::uint64_t limit, std::string_view what) {
    if (bytes.size() > limit)
        throw Error(ErrorKind::Corrupt, fmt::format("{}: {} bytes, more than {} MiB", what, bytes.size(), limit >> 20));
    auto json = Json::parse(bytes);
    if (!json) throw Error(ErrorKind::Corrupt, fmt::format("{}: {}", what, json.error().message()));
    if (!json->is_object()) throw Error(ErrorKind::Corrupt, fmt::format("{}: not a JSON object", what));
    return std::move(*json);
}

Json to_json(const std::map<std::string, std::string>& map) {
    Json json = Json::object();
    for (const auto& [name, value] : map) json.set(name, value);
    return json;
}

}  // namespace envbuild::oci::detail
