#include "pypi/html_page.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/strings.hpp"

namespace envbuild::pypi {

namespace {

constexpr std::size_t kMaxAttributes = 64;  // of one tag; further ones are passed over

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}
bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

void append_utf8(std::string& out, std::uint32_t code) {
    if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) code = 0xfffd;
    const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
    if (code < 0x80) {
        put(code);
    } else if (code < 0x800) {
        put(0xc0 | code >> 6), put(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        put(0xe0 | code >> 12), put(0x80 | (code >> 6 & 0x3f)), put(0x80 | (code & 0x3f));
    } else {
        put(0xf0 | code >> 18), put(0x80 | (code >> 12 & 0x3f)), put(0x80 | (code >> 6 & 0x3f)),
            put(0x80 | (code & 0x3f));
    }
}

// Numeric entities, and the named ones that indexes write.
std::string decode_entities(std::string_view text) {
    struct Named {
        std::string_view name, value;
    };
    constexpr std::array kNamed = {Named{"amp", "&"},   Named{"lt", "<"},   Named{"gt", ">"},
                                   Named{"quot", "\""}, Named{"apos", "'"}, Named{"nbsp", " "}};
    constexpr std::size_t kLongest = 10;
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto end = text[i] == '&' ? text.substr(i, kLongest + 2).find(';') : std::string_view::npos;
        if (end == std::string_view::npos || end < 2) {
            out += text[i];
            continue;
        }
        const auto name = text.substr(i + 1, end - 1);
        if (name[0] == '#') {
            const bool hex = name.size() > 1 && (name[1] == 'x' || name[1] == 'X');
            const auto digits = name.substr(hex ? 2 : 1);
            std::uint32_t code = 0;
            const auto [stop, error] =
                std::from_chars(digits.data(), digits.data() + digits.size(), code, hex ? 16 : 10);
            if (!digits.empty() && stop == digits.data() + digits.size()) {
                append_utf8(out, error == std::errc() ? code : 0);
                i += end;
                continue;
            }
        } else if (const auto named = std::ranges::find(kNamed, name, &Named::name); named != kNamed.end()) {
            out += named->value;
            i += end;
            continue;
        }
        out += text[i];
    }
    return out;
}

class HtmlReader {
  public:
    explicit HtmlReader(std::string_view text) : text_(text) {}

    HtmlPage read() {
        while (at_ < text_.size()) {
            const auto open = std::min(text_.find('<', at_), text_.size());
            if (in_anchor_) page_.anchors.back().text += text_.substr(at_, open - at_);
            at_ = open;
            if (at_ < text_.size()) read_markup();
        }
        for (auto& anchor : page_.anchors) anchor.text = trim(decode_entities(anchor.text));
        page_.title = trim(decode_entities(page_.title));
        return std::move(page_);
    }

  private:
    void skip_past(std::string_view mark) {
        const auto end = text_.find(mark, at_);
        at_ = end == std::string_view::npos ? text_.size() : end + mark.size();
    }

    void read_markup() {
        const auto rest = text_.substr(at_);
        if (rest.starts_with("<!--")) {
            at_ += 4;
            skip_past("-->");
        } else if (rest.starts_with("<!") || rest.starts_with("<?")) {
            skip_past(">");
        } else if (rest.starts_with("</")) {
            at_ += 2;
            if (tag_name() == "a") in_anchor_ = false;
            skip_past(">");
        } else if (rest.size() > 1 && is_letter(rest[1])) {
            ++at_;
            read_tag();
        } else {
            if (in_anchor_) page_.anchors.back().text += '<';
            ++at_;
        }
    }

    std::string tag_name() {
        const std::size_t begin = at_;
        while (at_ < text_.size() && !is_space(text_[at_]) && text_[at_] != '/' && text_[at_] != '>') ++at_;
        return to_lower(text_.substr(begin, at_ - begin));
    }

    void read_tag() {
        const std::string name = tag_name();
        HtmlAnchor tag;
        if (!read_attributes(tag)) return;  // it breaks off
        const auto value = [&](std::string_view key) { return std::string(tag.attribute(key).value_or("")); };
        if (name == "a") {
            in_anchor_ = true;
            page_.anchors.push_back(std::move(tag));
        } else if (name == "base") {
            if (page_.base.empty()) page_.base = trim(value("href"));
        } else if (name == "meta") {
            if (to_lower(value("name")) == "pypi:repository-version") page_.repository_version = trim(value("content"));
        } else if (name == "form" || name == "script") {
            page_.interactive = true;
        }
        if (name == "script" || name == "style" || name == "title" || name == "textarea") read_raw_text(name);
    }

    // False where the text ends before the tag does.
    bool read_attributes(HtmlAnchor& tag) {
        while (true) {
            while (at_ < text_.size() && (is_space(text_[at_]) || text_[at_] == '/')) ++at_;
            if (at_ >= text_.size()) return false;
            if (text_[at_] == '>') {
                ++at_;
                return true;
            }
            const std::size_t begin = at_++;
            while (at_ < text_.size() && !is_space(text_[at_]) &&
                   std::string_view("/>=").find(text_[at_]) == std::string_view::npos)
                ++at_;
            std::string name = to_lower(text_.substr(begin, at_ - begin));
            std::size_t equals = at_;
            while (equals < text_.size() && is_space(text_[equals])) ++equals;
            std::string_view value;
            if (equals < text_.size() && text_[equals] == '=') {
                at_ = equals + 1;
                while (at_ < text_.size() && is_space(text_[at_])) ++at_;
                value = attribute_value();
            }
            if (tag.attributes.size() < kMaxAttributes)
                tag.attributes.emplace_back(std::move(name), decode_entities(value));
        }
    }

    std::string_view attribute_value() {
        if (at_ >= text_.size()) return "";
        std::size_t begin = at_, end = at_;
        if (text_[at_] == '"' || text_[at_] == '\'') {
            begin = at_ + 1;
            end = std::min(text_.find(text_[at_], begin), text_.size());
            at_ = std::min(end + 1, text_.size());
        } else {
            while (end < text_.size() && !is_space(text_[end]) && text_[end] != '>') ++end;
            at_ = end;
        }
        return text_.substr(begin, end - begin);
    }

    // What holds no markup, up to its end tag.
    void read_raw_text(const std::string& name) {
        const std::size_t begin = at_;
        while (true) {
            const auto close = text_.find("</", at_);
            if (close == std::string_view::npos) {
                at_ = text_.size();
                return;
            }
            at_ = close + 2;
            if (to_lower(text_.substr(at_, name.size())) != name) continue;
            if (name == "title" && page_.title.empty()) page_.title = text_.substr(begin, close - begin);
            skip_past(">");
            return;
        }
    }

    std::string_view text_;
    std::size_t at_ = 0;
    bool in_anchor_ = false;
    HtmlPage page_;
};

}  // namespace

std::optional<std::string_view> HtmlAnchor::attribute(std::string_view name) const {
    for (const auto& [key, value] : attributes) {
        if (key == name) return value;
    }
    return std::nullopt;
}

HtmlPage read_html(std::string_view text) {
    return HtmlReader(text).read();
}

}  // namespace envbuild::pypi
