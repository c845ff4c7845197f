#include "conda/string_matcher.hpp"

#include <fmt/format.h>

#include <optional>

#include "base/glob.hpp"
#include "conda/regex.hpp"

namespace envbuild::conda {

struct StringMatcher::State {
    std::string text;
    bool glob = false;
    std::optional<Regex> regex;
};

Expected<StringMatcher> StringMatcher::parse(std::string_view text) {
    StringMatcher matcher;
    if (text == "*") return matcher;
    auto state = std::make_shared<State>();
    state->text = text;
    if (text.starts_with('^') && text.ends_with('$')) {
        auto regex = Regex::parse(text);
        if (!regex) return std::unexpected(std::move(regex.error()));
        state->regex = std::move(*regex);
    } else {
        state->glob = text.find('*') != std::string_view::npos;
    }
    matcher.state_ = std::move(state);
    return matcher;
}

bool StringMatcher::matches(std::string_view value) const {
    if (!state_) return true;
    if (state_->regex) return state_->regex->matches_start_of(value);
    return state_->glob ? glob_matches(state_->text, value) : state_->text == value;
}

bool StringMatcher::is_exact() const {
    return state_ && !state_->glob && !state_->regex;
}

const std::string& StringMatcher::to_string() const {
    static const std::string any = "*";
    return state_ ? state_->text : any;
}

}  // namespace envbuild::conda
