#include "base/credential_name.hpp"

#include <algorithm>
#include <initializer_list>
#include <string>

#include "base/strings.hpp"
#include "base/url.hpp"

namespace envbuild {

namespace {

using Words = std::initializer_list<std::string_view>;

std::string plain(std::string_view name) {
    return replace_all(to_lower(name), "-", "_");
}

}  // namespace

bool names_credential(std::string_view text) {
    const Words parts = {"token", "secret", "password", "passwd", "credential", "api_key", "apikey"};
    return std::ranges::any_of(parts, [name = plain(text)](auto part) { return name.contains(part); });
}

bool names_query_credential(std::string_view name) {
    const auto decoded = plain(percent_decode(name));
    const Words words = {"sig", "auth", "pwd", "access_key"};
    return names_credential(decoded) || decoded.contains("signature") ||
           std::ranges::find(words, decoded) != words.end();
}

bool query_holds_credential(std::string_view query) {
    return std::ranges::any_of(split(query, '&'), [](std::string_view member) {
        const auto equals = member.find('=');
        return equals != std::string_view::npos && equals + 1 < member.size() &&
               names_query_credential(member.substr(0, equals));
    });
}

}  // namespace envbuild
