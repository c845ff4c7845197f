#include "spec/literal_credential.hpp"

#include <algorithm>

#include "base/credential_name.hpp"
#include "base/strings.hpp"
#include "base/url.hpp"

namespace envbuild::spec {

namespace {

bool is_alphanumeric(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Stands for a variable while a URL is taken apart: braces could be none of a host's.
constexpr std::string_view kMark = "0variable0";

std::string marked_variables(std::string_view line) {
    std::string out;
    while (true) {
        const auto begin = line.find("${");
        const auto end = begin == std::string_view::npos ? begin : line.find('}', begin);
        if (end == std::string_view::npos) return out.append(line);
        out.append(line.substr(0, begin)).append(kMark);
        line.remove_prefix(end + 1);
    }
}

bool is_literal(std::string_view text) {
    return !replace_all(std::string(text), kMark, "").empty();
}

bool is_literal_token(std::string_view path) {
    for (auto at = path.find("/t/"); at != std::string_view::npos; at = path.find("/t/", at + 1)) {
        const auto token = path.substr(at + 3);
        const auto end = token.find('/');
        if (end != std::string_view::npos && is_literal(token.substr(0, end))) return true;
    }
    return false;
}

bool holds_literal_member(std::string_view query) {
    return std::ranges::any_of(split(query, '&'), [](std::string_view member) {
        return query_holds_credential(member) && is_literal(member.substr(member.find('=') + 1));
    });
}

bool holds_credential(std::string_view text) {
    const auto url = Url::parse(text);
    // What is no proper URL is one that hides a password, or none.
    if (!url) return redact(text) != text;
    if (is_literal_token(url->path() + "/") || holds_literal_member(url->query())) return true;
    if (!url->user_info()) return false;
    const auto password = url->user_info()->password.reveal();
    if (!password.empty()) return is_literal(password);
    return !url->scheme().ends_with("ssh") && is_literal(url->user_info()->user);
}

}  // namespace

bool has_literal_credential(std::string_view line) {
    const std::string marked = marked_variables(line);
    const std::string_view text = marked;
    for (auto at = text.find("://"); at != std::string_view::npos; at = text.find("://", at + 3)) {
        auto begin = at;
        while (begin > 0 && (is_alphanumeric(text[begin - 1]) || std::string_view("+-.").contains(text[begin - 1])))
            --begin;
        const auto end = text.find_first_of(" \t\r\n\"'<>", at);
        if (begin < at && holds_credential(text.substr(begin, end == std::string_view::npos ? end : end - begin)))
            return true;
    }
    return false;
}

std::string without_literal_credentials(std::string_view text) {
    std::string out;
    for (const auto line : split(text, '\n')) {
        if (!out.empty() || line.data() != text.data()) out += '\n';
        out += has_literal_credential(line) ? redact(line) : std::string(line);
    }
    return out;
}

}  // namespace envbuild::spec
