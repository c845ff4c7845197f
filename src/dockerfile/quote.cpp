#include "dockerfile/quote.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "base/strings.hpp"

namespace envbuild::dockerfile {

namespace {

// Docker's parser reads lines of at most 65535 bytes (bufio.MaxScanTokenSize); the key and the keyword need some of
// them.
constexpr std::size_t kLineLimit = 65000;

[[noreturn]] void refuse(std::string_view what, std::string_view why, std::string_view hint = {}) {
    throw Error(ErrorKind::InvalidInput, fmt::format("{} cannot go into a Dockerfile: {}", what, why))
        .with_hint(std::string(hint));
}

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// C1, U+0080 to U+009F: U+0085 is a line break to some parsers.
bool has_c1_control(std::string_view text) {
    for (std::size_t i = 0; i + 1 < text.size(); ++i) {
        if (text[i] == '\xc2' && static_cast<unsigned char>(text[i + 1]) < 0xa0) return true;
    }
    return false;
}

void check_text(std::string_view what, std::string_view text) {
    if (!is_valid_utf8(text)) refuse(what, "it is not UTF-8");
    if (has_control_character(text) || has_c1_control(text)) {
        refuse(what, "it holds a control character (a line break, a tab or the like)",
               "remove it, or encode the value");
    }
}

void check_length(std::string_view what, std::size_t size) {
    if (size > kLineLimit)
        refuse(what, fmt::format("it comes to {} bytes, and a line of a Dockerfile holds {}", size, kLineLimit));
}

// The code point that begins at text[i] (valid UTF-8); moves i behind it.
char32_t next_code_point(std::string_view text, std::size_t& i) {
    const auto first = static_cast<unsigned char>(text[i++]);
    if (first < 0x80) return first;
    const int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    char32_t value = first & (0x3fU >> static_cast<unsigned>(more));
    for (int k = 0; k < more; ++k) value = value << 6U | (static_cast<unsigned char>(text[i++]) & 0x3fU);
    return value;
}

void append_json(std::string& out, std::string_view text) {
    constexpr std::string_view kPlain = " _-+=.,:/@%";
    for (std::size_t i = 0; i < text.size();) {
        char32_t point = next_code_point(text, i);
        if (point < 0x80 && (is_letter(static_cast<char>(point)) || is_digit(static_cast<char>(point)) ||
                             kPlain.find(static_cast<char>(point)) != std::string_view::npos)) {
            out += static_cast<char>(point);
        } else if (point < 0x10000) {
            out += fmt::format("\\u{:04x}", static_cast<unsigned>(point));
        } else {
            point -= 0x10000;
            out += fmt::format("\\u{:04x}\\u{:04x}", 0xd800U + static_cast<unsigned>(point >> 10U),
                               0xdc00U + static_cast<unsigned>(point & 0x3ffU));
        }
    }
}

}  // namespace

std::string quote_value(std::string_view what, std::string_view value) {
    check_text(what, value);
    std::string quoted = "\"";
    for (const char c : value) {
        if (c == '\\' || c == '"' || c == '$') quoted += '\\';
        quoted += c;
    }
    quoted += '"';
    check_length(what, quoted.size());
    return quoted;
}

std::string exec_form(std::string_view what, const std::vector<std::string>& argv) {
    if (argv.empty() || argv.front().empty()) refuse(what, "it names no command");
    std::string form = "[";
    for (const auto& argument : argv) {
        check_text(what, argument);
        if (form.size() > 1) form += ", ";
        form += '"';
        append_json(form, argument);
        form += '"';
    }
    form += ']';
    check_length(what, form.size());
    return form;
}

void check_variable_name(std::string_view name) {
    const bool proper =
        !name.empty() && (is_letter(name[0]) || name[0] == '_') && std::ranges::all_of(name, [](char c) {
            return is_letter(c) || is_digit(c) || c == '_' || c == '.' || c == '-';
        });
    if (!proper) {
        refuse(fmt::format("the environment variable {}", json_quote(name)),
               "its name may hold letters, digits and '_', and begins with no digit");
    }
}

void check_label_key(std::string_view key) {
    const bool proper = !key.empty() && (is_letter(key[0]) || is_digit(key[0])) && std::ranges::all_of(key, [](char c) {
        return is_letter(c) || is_digit(c) || c == '_' || c == '.' || c == '-' || c == '/';
    });
    if (!proper)
        refuse(fmt::format("the label {}", json_quote(key)), "its key may hold letters, digits, '.', '-', '_' and '/'");
}

void check_prefix(std::string_view prefix) {
    const auto bad = [&](std::string_view part) {
        return part.empty() || part == "." || part == ".." || !std::ranges::all_of(part, [](char c) {
                   return is_letter(c) || is_digit(c) || c == '_' || c == '.' || c == '-' || c == '+';
               });
    };
    const bool absolute = prefix.size() > 1 && prefix[0] == '/';
    if (!absolute || std::ranges::any_of(split(prefix.substr(1), '/'), bad)) {
        refuse(fmt::format("the prefix {}", json_quote(prefix)),
               "it must be an absolute path of letters, digits, '.', '-', '_' and '+'");
    }
}

void check_base_reference(std::string_view reference) {
    // An own Dockerfile's image that lies in no registry: its tag in the engine says what it was made of.
    constexpr std::string_view kOwnBase = "envbuild:base-";
    if (reference.starts_with(kOwnBase) && reference.size() > kOwnBase.size() &&
        reference.find_first_not_of("0123456789abcdef", kOwnBase.size()) == std::string_view::npos)
        return;
    const auto at = reference.find('@');
    const auto name = reference.substr(0, at);
    const bool proper = at != std::string_view::npos && !name.empty() &&
                        (is_letter(name[0]) || is_digit(name[0]) || name[0] == '[') &&
                        std::ranges::all_of(name,
                                            [](char c) {
                                                return is_letter(c) || is_digit(c) || c == '_' || c == '.' ||
                                                       c == '-' || c == '/' || c == ':' || c == '[' || c == ']';
                                            }) &&
                        Digest::parse(reference.substr(at + 1)).has_value();
    if (!proper)
        refuse(fmt::format("the base image {}", json_quote(reference)),
               "it must be a reference with its digest, name@sha256:…");
}

}  // namespace envbuild::dockerfile
