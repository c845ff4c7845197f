#include "link/prefix_replace.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.hpp"

namespace envbuild::link {

namespace {

constexpr std::size_t kMaxShebang = 127;  // the kernel reads 128 bytes, the last being the NUL
constexpr std::size_t kChunk = std::size_t{256} << 10;

class BinaryPrefixReader final : public conda::ContentReader {
  public:
    BinaryPrefixReader(conda::ContentReader& inner, std::string placeholder, std::string prefix)
        : inner_(inner), placeholder_(std::move(placeholder)), prefix_(std::move(prefix)) {}

    std::size_t read(std::span<char> into) override {
        if (into.empty()) return 0;
        while (position_ == ready_.size()) {
            if (inner_ended_ && pending_.empty()) return 0;
            ready_.clear();
            position_ = 0;
            advance();
        }
        const std::size_t count = std::min(into.size(), ready_.size() - position_);
        std::copy_n(ready_.data() + position_, count, into.data());
        position_ += count;
        return count;
    }

  private:
    // Moves bytes from pending_ to ready_, as far as what follows them cannot matter any more.
    void advance() {
        const auto at = pending_.find(placeholder_);
        if (at == std::string::npos) {
            const std::size_t keep = inner_ended_ ? 0 : std::min(pending_.size(), placeholder_.size() - 1);
            release(pending_.size() - keep);
            fetch();
            return;
        }
        release(at);
        const auto nul = pending_.find('\0', std::max(placeholder_.size(), searched_));
        if (nul == std::string::npos) {
            searched_ = pending_.size();
            if (inner_ended_) release(pending_.size());
            fetch();
            return;
        }
        ready_ += replace_all(std::string_view(pending_).substr(0, nul), placeholder_, prefix_);
        ready_.append(nul + at + 1 - ready_.size(), '\0');
        pending_.erase(0, nul + 1);
        searched_ = 0;
    }

    void release(std::size_t count) {
        ready_.append(pending_, 0, count);
        pending_.erase(0, count);
        if (count > 0) searched_ = 0;
    }

    void fetch() {
        if (inner_ended_) return;
        const std::size_t old = pending_.size();
        pending_.resize(old + kChunk);
        const std::size_t got = inner_.read(std::span(pending_).subspan(old));
        pending_.resize(old + got);
        inner_ended_ = got == 0;
    }

    conda::ContentReader& inner_;
    std::string placeholder_, prefix_;
    std::string pending_, ready_;
    std::size_t position_ = 0;
    std::size_t searched_ = 0;  // no NUL in pending_ between the placeholder and here
    bool inner_ended_ = false;
};

}  // namespace

std::string shorten_shebang(std::string text) {
    if (!text.starts_with("#!")) return text;
    const std::size_t line_end = std::min(text.find('\n'), text.size());
    const std::size_t begin = std::min(text.find_first_not_of(' ', 2), line_end);
    if (begin >= line_end || text[begin] != '/') return text;
    // The interpreter ends at white space that no backslash precedes.
    std::size_t end = begin;
    bool escaped_space = false;
    while (end < line_end && std::string_view(" \t\r").find(text[end]) == std::string_view::npos) {
        if (text[end] == '\\' && end + 1 < line_end && text[end + 1] == ' ') {
            escaped_space = true;
            ++end;
        }
        ++end;
    }
    if (line_end <= kMaxShebang && !escaped_space) return text;
    const std::size_t name = text.rfind('/', end - 1) + 1;
    return fmt::format("#!/usr/bin/env {}", std::string_view(text).substr(name));
}

std::string replace_text_prefix(std::string_view text, std::string_view placeholder, std::string_view prefix) {
    std::string result = replace_all(text, placeholder, prefix);
    if (prefix.find(' ') != std::string_view::npos && result.starts_with("#!")) {
        const std::size_t line_end = std::min(result.find('\n'), result.size());
        const std::string line = result.substr(0, line_end);
        const std::string escaped = replace_all(line, prefix, replace_all(prefix, " ", "\\ "));
        result.replace(0, line_end, escaped);
    }
    return shorten_shebang(std::move(result));
}

Expected<std::unique_ptr<conda::ContentReader>> binary_prefix_reader(conda::ContentReader& inner,
                                                                     std::string placeholder, std::string prefix) {
    if (prefix.size() > placeholder.size()) {
        return fail(ErrorKind::Corrupt, fmt::format("its prefix_placeholder has {} bytes, too few for the prefix {}",
                                                    placeholder.size(), prefix));
    }
    return std::make_unique<BinaryPrefixReader>(inner, std::move(placeholder), std::move(prefix));
}

}  // namespace envbuild::link
