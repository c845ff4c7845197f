#include "net/netrc.hpp"

#include <optional>

#include "base/strings.hpp"

namespace envbuild::net {

namespace {

class Words {
  public:
    explicit Words(std::string_view text) : text_(text) {}

    std::optional<std::string> next() {
        skip_blank();
        if (position_ == text_.size()) return std::nullopt;
        std::string word;
        if (text_[position_] == '"') {
            for (++position_; position_ < text_.size() && text_[position_] != '"'; ++position_) {
                if (text_[position_] == '\\' && position_ + 1 < text_.size()) ++position_;
                word += text_[position_];
            }
            if (position_ < text_.size()) ++position_;
        } else {
            while (position_ < text_.size() && !is_blank(text_[position_])) word += text_[position_++];
        }
        return word;
    }

    void skip_line() {
        const auto end = text_.find('\n', position_);
        position_ = end == std::string_view::npos ? text_.size() : end + 1;
    }

    // A macro ends at an empty line.
    void skip_macro() {
        const auto end = text_.find("\n\n", position_);
        position_ = end == std::string_view::npos ? text_.size() : end + 2;
    }

  private:
    static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
    void skip_blank() {
        while (position_ < text_.size() && is_blank(text_[position_])) ++position_;
    }

    std::string_view text_;
    std::size_t position_ = 0;
};

}  // namespace

std::vector<NetrcEntry> parse_netrc(std::string_view text) {
    std::vector<NetrcEntry> entries;
    Words words(text);
    bool in_default = true;
    while (const auto word = words.next()) {
        if (word->starts_with('#')) {
            words.skip_line();
        } else if (*word == "machine") {
            entries.emplace_back().machine = to_lower(words.next().value_or(""));
            in_default = false;
        } else if (*word == "default") {
            in_default = true;
        } else if (*word == "macdef") {
            words.skip_macro();
        } else if (*word == "login" || *word == "password" || *word == "account") {
            auto value = words.next().value_or("");
            if (in_default) continue;
            if (*word == "login")
                entries.back().user.user = std::move(value);
            else if (*word == "password")
                entries.back().user.password = Secret(std::move(value));
        }
    }
    std::erase_if(entries, [](const auto& entry) { return entry.machine.empty(); });
    return entries;
}

}  // namespace envbuild::net
