#include "install/json_text.hpp"

#include <fmt/format.h>

#include <charconv>
#include <system_error>

#include "base/strings.hpp"

namespace envbuild::install {

namespace {

constexpr int kMaxDepth = 256;

class Parser {
  public:
    explicit Parser(std::string_view text) : text_(text) {}

    Json document() {
        Json value = read_value(0);
        skip_blanks();
        if (at_ != text_.size()) complain("something follows the document");
        return value;
    }

  private:
    [[noreturn]] void complain(std::string_view what) const {
        throw Error(ErrorKind::Corrupt, fmt::format("not valid JSON: {} at byte {}", what, at_));
    }

    void skip_blanks() {
        while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
    }
    [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    bool take(char c) {
        if (peek() != c || at_ >= text_.size()) return false;
        ++at_;
        return true;
    }
    bool take_word(std::string_view word) {
        if (text_.substr(at_, word.size()) != word) return false;
        at_ += word.size();
        return true;
    }

    Json read_value(int depth) {
        if (depth >= kMaxDepth) complain("too deep");
        skip_blanks();
        switch (peek()) {
            case '{':
                return read_object(depth);
            case '[':
                return read_array(depth);
            case '"':
                return Json(read_string());
            default:
                break;
        }
        if (take_word("true")) return Json(true);
        if (take_word("false")) return Json(false);
        if (take_word("null")) return {};
        return read_number();
    }

    Json read_object(int depth) {
        Json object = Json::object();
        ++at_;
        skip_blanks();
        if (take('}')) return object;
        do {
            skip_blanks();
            if (peek() != '"') complain("a member's name is missing");
            std::string key = read_string();
            skip_blanks();
            if (!take(':')) complain("a ':' is missing");
            object.set(std::move(key), read_value(depth + 1));
            skip_blanks();
        } while (take(','));
        if (!take('}')) complain("a '}' is missing");
        return object;
    }

    Json read_array(int depth) {
        Json array = Json::array();
        ++at_;
        skip_blanks();
        if (take(']')) return array;
        do {
            array.push(read_value(depth + 1));
            skip_blanks();
        } while (take(','));
        if (!take(']')) complain("a ']' is missing");
        return array;
    }

    std::uint32_t read_hex4() {
        std::uint32_t value = 0;
        const char* begin = text_.data() + at_;
        if (text_.size() - at_ < 4) complain("an escape breaks off");
        const auto [end, error] = std::from_chars(begin, begin + 4, value, 16);
        if (error != std::errc() || end != begin + 4) complain("a \\u escape is no hex number");
        at_ += 4;
        return value;
    }

    void append_escape(std::string& out) {
        const char c = peek();
        ++at_;
        switch (c) {
            case '"':
            case '\\':
            case '/':
                out += c;
                return;
            case 'b':
                out += '\b';
                return;
            case 'f':
                out += '\f';
                return;
            case 'n':
                out += '\n';
                return;
            case 'r':
                out += '\r';
                return;
            case 't':
                out += '\t';
                return;
            case 'u':
                break;
            default:
                complain("an unknown escape");
        }
        std::uint32_t point = read_hex4();
        if (point >= 0xD800 && point < 0xDC00) {
            if (!take_word("\\u")) complain("half a surrogate pair");
            const std::uint32_t low = read_hex4();
            if (low < 0xDC00 || low > 0xDFFF) complain("half a surrogate pair");
            point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
        } else if (point >= 0xDC00 && point <= 0xDFFF) {
            complain("half a surrogate pair");
        }
        const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
        if (point < 0x80) {
            put(point);
        } else if (point < 0x800) {
            put(0xC0 | point >> 6);
            put(0x80 | (point & 0x3F));
        } else if (point < 0x10000) {
            put(0xE0 | point >> 12);
            put(0x80 | (point >> 6 & 0x3F));
            put(0x80 | (point & 0x3F));
        } else {
            put(0xF0 | point >> 18);
            put(0x80 | (point >> 12 & 0x3F));
            put(0x80 | (point >> 6 & 0x3F));
            put(0x80 | (point & 0x3F));
        }
    }

    std::string read_string() {
        std::string out;
        ++at_;
        while (true) {
            if (at_ >= text_.size()) complain("a string does not end");
            const auto c = static_cast<unsigned char>(text_[at_]);
            if (c == '"') break;
            if (c < 0x20) complain("a control character in a string");
            ++at_;
            if (c == '\\') {
                append_escape(out);
            } else {
                out += static_cast<char>(c);
            }
        }
        ++at_;
        return out;
    }

    std::size_t skip_digits() {
        const std::size_t begin = at_;
        while (peek() >= '0' && peek() <= '9') ++at_;
        return at_ - begin;
    }

    Json read_number() {
        const std::size_t begin = at_;
        take('-');
        const bool zero = peek() == '0';
        const std::size_t digits = skip_digits();
        if (digits == 0 || (zero && digits > 1)) complain("a value is missing");
        bool whole = true;
        if (take('.')) {
            whole = false;
            if (skip_digits() == 0) complain("a number breaks off");
        }
        if (take('e') || take('E')) {
            whole = false;
            if (!take('+')) take('-');
            if (skip_digits() == 0) complain("a number breaks off");
        }
        const char* first = text_.data() + begin;
        const char* last = text_.data() + at_;
        std::int64_t number = 0;
        if (whole && std::from_chars(first, last, number).ec == std::errc()) return Json(number);
        double value = 0;
        if (std::from_chars(first, last, value).ec != std::errc()) complain("a number is out of range");
        return Json(value);
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

Expected<Json> parse_json_text(std::string_view text) {
    if (!is_valid_utf8(text)) return fail(ErrorKind::Corrupt, "not valid JSON: the text is not UTF-8");
    try {
        return Parser(text).document();
    } catch (Error& error) {
        return std::unexpected(std::move(error));
    }
}

}  // namespace envbuild::install
