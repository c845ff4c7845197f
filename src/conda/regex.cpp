#include "conda/regex.hpp"

#include <cctype>
#include <map>
#include <utility>
#include <vector>

#include "conda/regex_program.hpp"

namespace envbuild::conda {

namespace {

constexpr std::size_t kLongestText = 1024;

class Matcher {
  public:
    Matcher(const Regex::Program& program, std::string_view text) : steps_(program.steps), text_(text) {}

    // Depth first through (step, position); a pair that was seen either failed or is under way, and is not tried again.
    [[nodiscard]] bool reaches_match(std::uint32_t begin, std::size_t from) {
        std::vector<bool> seen(steps_.size() * (text_.size() + 1));
        std::vector<std::pair<std::uint32_t, std::size_t>> pending{{begin, from}};
        while (!pending.empty()) {
            const auto [at, position] = pending.back();
            pending.pop_back();
            const std::size_t pair = at * (text_.size() + 1) + position;
            if (seen[pair]) continue;
            seen[pair] = true;
            const RegexStep& step = steps_[at];
            if (step.kind == RegexStep::Kind::Match) return true;
            if (step.kind == RegexStep::Kind::Byte) {
                if (position < text_.size() && step.bytes[static_cast<unsigned char>(text_[position])])
                    pending.emplace_back(step.next, position + 1);
                continue;
            }
            if (step.kind == RegexStep::Kind::Split) pending.emplace_back(step.other, position);
            if (step.kind == RegexStep::Kind::Split || holds(step, position)) pending.emplace_back(step.next, position);
        }
        return false;
    }

  private:
    [[nodiscard]] bool is_word(std::size_t position) const {
        if (position >= text_.size()) return false;
        const auto c = static_cast<unsigned char>(text_[position]);
        return c < 0x80 && (std::isalnum(c) != 0 || c == '_');
    }
    [[nodiscard]] bool at_word_boundary(std::size_t position) const {
        return is_word(position) != (position > 0 && is_word(position - 1));
    }

    [[nodiscard]] bool holds(const RegexStep& step, std::size_t position) {
        switch (step.kind) {
            case RegexStep::Kind::Begin:
                return position == 0;
            case RegexStep::Kind::End:
                return position == text_.size();
            case RegexStep::Kind::WordBoundary:
                return at_word_boundary(position);
            case RegexStep::Kind::NotWordBoundary:
                return !at_word_boundary(position);
            default:
                return looks_ahead(step.other, position) == (step.kind == RegexStep::Kind::LookAhead);
        }
    }

    [[nodiscard]] bool looks_ahead(std::uint32_t begin, std::size_t position) {
        if (const auto known = looked_.find({begin, position}); known != looked_.end()) return known->second;
        const bool found = reaches_match(begin, position);
        looked_.emplace(std::pair(begin, position), found);
        return found;
    }

    const std::vector<RegexStep>& steps_;
    std::string_view text_;
    std::map<std::pair<std::uint32_t, std::size_t>, bool> looked_;
};

}  // namespace

Expected<Regex> Regex::parse(std::string_view pattern) {
    auto program = compile_regex(pattern);
    if (!program) return std::unexpected(std::move(program.error()));
    return Regex(std::make_shared<const Program>(std::move(*program)));
}

bool Regex::matches_start_of(std::string_view text) const {
    if (text.size() > kLongestText) return false;
    return Matcher(*program_, text).reaches_match(program_->begin, 0);
}

}  // namespace envbuild::conda
