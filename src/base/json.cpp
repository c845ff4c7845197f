#include "base/json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace envbuild {

namespace {

[[noreturn]] void wrong_type(std::string_view wanted) {
    throw Error(ErrorKind::Corrupt, fmt::format("a JSON value is not {}", wanted));
}

// ECMAScript's Number::toString, which RFC 8785 section 3.2.2.3 prescribes: the shortest digits that give the value
// back, then zeros up to the point. (to_chars' fixed form writes large values out exactly instead.)
std::string number_text(double value) {
    if (!std::isfinite(value)) throw Error(ErrorKind::Bug, "JSON has no NaN or infinity");
    if (value == 0) return "0";
    char buffer[40];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, std::fabs(value), std::chars_format::scientific).ptr;
    const std::string_view text(buffer, static_cast<std::size_t>(end - buffer));
    const auto mark = text.find('e');
    std::string digits(text.substr(0, 1));
    if (mark > 2) digits += text.substr(2, mark - 2);
    int exponent = 0;
    const auto first = mark + (text[mark + 1] == '+' ? 2 : 1);
    std::from_chars(text.data() + first, text.data() + text.size(), exponent);

    const int count = static_cast<int>(digits.size());
    const int point = exponent + 1;  // digits before the point
    if (point > 21 || point < -5) {
        if (count > 1) digits.insert(1, ".");
        digits += fmt::format("e{}{}", exponent < 0 ? '-' : '+', std::abs(exponent));
    } else if (point >= count) {
        digits.append(static_cast<std::size_t>(point - count), '0');
    } else if (point > 0) {
        digits.insert(static_cast<std::size_t>(point), ".");
    } else {
        digits.insert(0, "0." + std::string(static_cast<std::size_t>(-point), '0'));
    }
    return (value < 0 ? "-" : "") + digits;
}

// The order of UTF-16 code units differs from that of UTF-8 bytes only where a surrogate pair meets U+E000..U+FFFF.
bool utf16_less(std::string_view a, std::string_view b) {
    for (std::size_t i = 0;; ++i) {
        if (i == a.size() || i == b.size()) return a.size() < b.size();
        const auto x = static_cast<unsigned char>(a[i]);
        const auto y = static_cast<unsigned char>(b[i]);
        if (x == y) continue;
        const bool x_astral = x >= 0xF0;
        const bool y_astral = y >= 0xF0;
        if (x_astral != y_astral) {
            const unsigned char bmp = x_astral ? y : x;
            if (bmp == 0xEE || bmp == 0xEF) return x_astral;
        }
        return x < y;
    }
}

struct Writer {
    int indent;
    bool sorted;
    std::string out;

    // RFC 8785 knows doubles alone. Beyond 2^53 that would make one text of several integers, so there is none.
    [[nodiscard]] std::string integer_text(std::int64_t value) const {
        constexpr std::int64_t kExact = std::int64_t{1} << 53;
        if (sorted && (value > kExact || value < -kExact)) {
            throw Error(ErrorKind::InvalidInput,
                        fmt::format("the integer {} has no canonical JSON: it is beyond 2^53", value))
                .with_hint("write it as a string");
        }
        return std::to_string(value);
    }

    void newline(int depth) {
        if (indent == 0) return;
        out += '\n';
        out.append(static_cast<std::size_t>(depth) * static_cast<std::size_t>(indent), ' ');
    }

    void write(const Json& value, int depth) {
        if (value.is_null()) {
            out += "null";
        } else if (value.is_bool()) {
            out += value.as_bool() ? "true" : "false";
        } else if (value.is_int()) {
            out += integer_text(value.as_int());
        } else if (value.is_number()) {
            out += number_text(value.as_double());
        } else if (value.is_string()) {
            out += json_quote(value.as_string());
        } else if (value.is_array()) {
            write_array(value.as_array(), depth);
        } else {
            write_object(value.as_object(), depth);
        }
    }

    void write_array(const Json::Array& array, int depth) {
        out += '[';
        for (std::size_t i = 0; i < array.size(); ++i) {
            if (i > 0) out += ',';
            newline(depth + 1);
            write(array[i], depth + 1);
        }
        if (!array.empty()) newline(depth);
        out += ']';
    }

    void write_object(const Json::Object& object, int depth) {
        std::vector<const std::pair<std::string, Json>*> members;
        members.reserve(object.size());
        for (const auto& member : object) members.push_back(&member);
        if (sorted) {
            std::ranges::sort(members, [](auto* a, auto* b) { return utf16_less(a->first, b->first); });
        }
        out += '{';
        for (std::size_t i = 0; i < members.size(); ++i) {
            if (i > 0) out += ',';
            newline(depth + 1);
            out += json_quote(members[i]->first);
            out += indent == 0 ? ":" : ": ";
            write(members[i]->second, depth + 1);
        }
        if (!members.empty()) newline(depth);
        out += '}';
    }
};

const Json kNull;

}  // namespace

Json::Json(const std::vector<std::string>& strings) : value_(Array(strings.begin(), strings.end())) {}

bool Json::as_bool() const {
    if (!is_bool()) wrong_type("a boolean");
    return std::get<bool>(value_);
}

std::int64_t Json::as_int() const {
    if (!is_int()) wrong_type("an integer");
    return std::get<std::int64_t>(value_);
}

double Json::as_double() const {
    if (is_int()) return static_cast<double>(std::get<std::int64_t>(value_));
    if (!is_number()) wrong_type("a number");
    return std::get<double>(value_);
}

const std::string& Json::as_string() const {
    if (!is_string()) wrong_type("a string");
    return std::get<std::string>(value_);
}

const Json::Array& Json::as_array() const {
    if (!is_array()) wrong_type("an array");
    return std::get<Array>(value_);
}

const Json::Object& Json::as_object() const {
    if (!is_object()) wrong_type("an object");
    return std::get<Object>(value_);
}

const Json* Json::find(std::string_view key) const {
    if (!is_object()) return nullptr;
    for (const auto& [name, value] : std::get<Object>(value_)) {
        if (name == key) return &value;
    }
    return nullptr;
}

const Json& Json::operator[](std::string_view key) const {
    const Json* member = find(key);
    return member != nullptr ? *member : kNull;
}

std::string Json::string_or(std::string_view key, std::string_view fallback) const {
    const Json* member = find(key);
    return std::string(member != nullptr && member->is_string() ? std::string_view(member->as_string()) : fallback);
}

std::int64_t Json::int_or(std::string_view key, std::int64_t fallback) const {
    const Json* member = find(key);
    return member != nullptr && member->is_int() ? member->as_int() : fallback;
}

bool Json::bool_or(std::string_view key, bool fallback) const {
    const Json* member = find(key);
    return member != nullptr && member->is_bool() ? member->as_bool() : fallback;
}

Json& Json::set(std::string key, Json value) {
    if (is_null()) value_ = Object{};
    auto& object = std::get<Object>(value_);
    for (auto& [name, old] : object) {
        if (name == key) {
            old = std::move(value);
            return *this;
        }
    }
    object.emplace_back(std::move(key), std::move(value));
    return *this;
}

Json& Json::push(Json value) {
    if (is_null()) value_ = Array{};
    std::get<Array>(value_).push_back(std::move(value));
    return *this;
}

std::string Json::dump(int indent) const {
    Writer writer{indent, false, {}};
    writer.write(*this, 0);
    return std::move(writer.out);
}

std::string Json::canonical() const {
    Writer writer{0, true, {}};
    writer.write(*this, 0);
    return std::move(writer.out);
}

std::string json_quote(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        switch (c) {
            case '"':
                out += "\\\"";
                break;
            case '\\':
                out += "\\\\";
                break;
            case '\b':
                out += "\\b";
                break;
            case '\f':
                out += "\\f";
                break;
            case '\n':
                out += "\\n";
                break;
            case '\r':
                out += "\\r";
                break;
            case '\t':
                out += "\\t";
                break;
            default:
                if (static_cast<unsigned char>(c) < 0x20) {
                    out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
                } else {
                    out += c;
                }
        }
    }
    return out + '"';
}

}  // namespace envbuild
