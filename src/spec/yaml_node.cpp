#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/strings.hpp"
#include "spec/yaml_builder.hpp"

namespace envbuild::spec {

namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// YAML 1.1's int without octal-by-leading-zero and base 60, which nobody means.
bool looks_like_int(std::string_view text) {
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    if (text.starts_with("0x") && text.size() > 2)
        return text.substr(2).find_first_not_of("0123456789abcdefABCDEF_") == std::string_view::npos;
    if (text.starts_with("0o") && text.size() > 2)
        return text.substr(2).find_first_not_of("01234567_") == std::string_view::npos;
    return !text.empty() && is_digit(text[0]) && text.find_first_not_of("0123456789_") == std::string_view::npos;
}

bool looks_like_float(std::string_view text) {
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    const std::string lower = to_lower(text);
    if (lower == ".inf" || lower == ".nan") return true;
    bool digit = false;
    bool point = false;
    for (std::size_t i = 0; i < lower.size(); ++i) {
        if (is_digit(lower[i])) {
            digit = true;
        } else if (lower[i] == '.' && !point) {
            point = true;
        } else if (lower[i] == 'e' && digit && point && i + 1 < lower.size()) {
            auto exponent = std::string_view(lower).substr(i + 1);
            if (exponent.starts_with('-') || exponent.starts_with('+')) exponent.remove_prefix(1);
            return !exponent.empty() && std::ranges::all_of(exponent, is_digit);
        } else {
            return false;
        }
    }
    return digit && point;
}

}  // namespace

YamlNode::ScalarType YamlNode::scalar_type() const {
    if (kind_ != Kind::Scalar || quoted_) return ScalarType::String;
    const std::string lower = to_lower(text_);
    if (lower == "true" || lower == "false" || lower == "yes" || lower == "no" || lower == "on" || lower == "off")
        return ScalarType::Bool;
    if (looks_like_int(text_)) return ScalarType::Int;
    if (looks_like_float(text_)) return ScalarType::Float;
    return ScalarType::String;
}

std::string_view YamlNode::describe() const {
    switch (kind_) {
        case Kind::Null:
            return "nothing";
        case Kind::Sequence:
            return "a list";
        case Kind::Mapping:
            return "a mapping";
        case Kind::Scalar:
            break;
    }
    switch (scalar_type()) {
        case ScalarType::Bool:
            return "true or false";
        case ScalarType::Int:
        case ScalarType::Float:
            return "a number";
        case ScalarType::String:
            break;
    }
    return "a text";
}

const YamlNode* YamlNode::find(std::string_view key) const {
    if (index_) {
        const auto found = index_->positions.find(key);
        return found == index_->positions.end() ? nullptr : &members_[found->second].value;
    }
    const auto found = std::ranges::find_if(members_, [key](const Member& member) { return member.key.text_ == key; });
    return found == members_.end() ? nullptr : &found->value;
}

const std::string& YamlNode::as_string(std::string_view what) const {
    if (kind_ != Kind::Scalar) throw error_at(fmt::format("{} is {} and should be a text", what, describe()));
    return text_;
}

std::int64_t YamlNode::as_int(std::string_view what) const {
    std::int64_t value = 0;
    const std::string digits = replace_all(text_.starts_with('+') ? text_.substr(1) : text_, "_", "");
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (scalar_type() != ScalarType::Int || error != std::errc{} || end != digits.data() + digits.size()) {
        throw error_at(fmt::format("{} is {} and should be a whole number", what, describe()));
    }
    return value;
}

bool YamlNode::as_bool(std::string_view what) const {
    if (scalar_type() != ScalarType::Bool)
        throw error_at(fmt::format("{} is {} and should be true or false", what, describe()));
    const std::string lower = to_lower(text_);
    return lower == "true" || lower == "yes" || lower == "on";
}

const std::vector<YamlNode>& YamlNode::as_sequence(std::string_view what) const {
    if (kind_ != Kind::Sequence)
        throw error_at(fmt::format("{} is {} and should be a list", what, describe()),
                       kind_ == Kind::Scalar ? "write it as '- item' lines" : "");
    return items_;
}

const std::vector<YamlNode::Member>& YamlNode::as_mapping(std::string_view what) const {
    if (kind_ != Kind::Mapping)
        throw error_at(fmt::format("{} is {} and should be a mapping (key: value)", what, describe()));
    return members_;
}

std::vector<std::string> YamlNode::as_strings(std::string_view what) const {
    std::vector<std::string> out;
    if (kind_ == Kind::Scalar) return {text_};
    for (const auto& item : as_sequence(what)) out.push_back(item.as_string(fmt::format("an item of {}", what)));
    return out;
}

std::string YamlNode::string_or(std::string_view key, std::string_view fallback) const {
    const YamlNode* node = find(key);
    return node == nullptr || node->is_null() ? std::string(fallback) : node->as_string(key);
}

SourcePlace YamlNode::place() const {
    return {source_ ? source_->file() : "", line_, column_};
}

Diagnostic YamlNode::diagnostic(Diagnostic::Severity severity, std::string message, std::string hint,
                                int offset) const {
    Diagnostic out;
    out.severity = severity;
    out.place = place();
    out.message = std::move(message);
    out.hint = std::move(hint);
    if (offset > 0 && !block_) out.place.column += offset + (quoted_ ? 1 : 0);
    if (source_) out.excerpt = caret_excerpt(source_->line(line_), out.place.column);
    return out;
}

Error YamlNode::error_at(std::string message, std::string hint, int offset) const {
    return diagnostic(Diagnostic::Severity::Error, std::move(message), std::move(hint), offset).to_error();
}

Json yaml_to_json(const YamlNode& node) {
    switch (node.kind()) {
        case YamlNode::Kind::Null:
            return {};
        case YamlNode::Kind::Sequence: {
            Json array = Json::array();
            for (const auto& item : node.items()) array.push(yaml_to_json(item));
            return array;
        }
        case YamlNode::Kind::Mapping: {
            Json object = Json::object();
            for (const auto& member : node.members()) object.set(member.key.text(), yaml_to_json(member.value));
            return object;
        }
        case YamlNode::Kind::Scalar:
            break;
    }
    if (node.scalar_type() == YamlNode::ScalarType::Bool) return node.as_bool("");
    const std::string& text = node.text();
    if (node.scalar_type() == YamlNode::ScalarType::Int) {
        std::int64_t value = 0;
        const char* const begin = text.data() + (text.starts_with('+') ? 1 : 0);
        const auto [end, error] = std::from_chars(begin, text.data() + text.size(), value);
        if (error == std::errc{} && end == text.data() + text.size()) return value;
        return text;
    }
    if (node.scalar_type() == YamlNode::ScalarType::Float) {
        double value = 0;
        const char* const begin = text.data() + (text.starts_with('+') ? 1 : 0);
        const auto [end, error] = std::from_chars(begin, text.data() + text.size(), value);
        if (error == std::errc{} && end == text.data() + text.size()) return value;
    }
    return text;
}

}  // namespace envbuild::spec
