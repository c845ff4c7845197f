#include "pypi/pep440.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.hpp"

namespace envbuild::pypi {

namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_alnum(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z');
}

std::string strip_zeros(std::string_view digits) {
    const auto first = digits.find_first_not_of('0');
    return first == std::string_view::npos ? "0" : std::string(digits.substr(first));
}

std::strong_ordering compare_numbers(const std::string& a, const std::string& b) {
    if (a.size() != b.size()) return a.size() <=> b.size();
    return a <=> b;
}

// Walks over lower-case version text.
struct Cursor {
    std::string_view rest;

    bool take(char c) {
        if (!rest.starts_with(c)) return false;
        rest.remove_prefix(1);
        return true;
    }
    std::string_view digits() {
        std::size_t n = 0;
        while (n < rest.size() && is_digit(rest[n])) ++n;
        const auto taken = rest.substr(0, n);
        rest.remove_prefix(n);
        return taken;
    }
    void separator() {
        if (!rest.empty() && (rest[0] == '-' || rest[0] == '_' || rest[0] == '.')) rest.remove_prefix(1);
    }
    // One of the words, after an optional separator; consumes nothing when none is there.
    std::string_view word(std::initializer_list<std::string_view> words) {
        Cursor ahead = *this;
        ahead.separator();
        for (const auto word : words) {
            if (!ahead.rest.starts_with(word)) continue;
            ahead.rest.remove_prefix(word.size());
            *this = ahead;
            return word;
        }
        return "";
    }
    // The optional number after a word, "0" where there is none.
    std::string number() {
        separator();
        const auto found = digits();
        return found.empty() ? "0" : strip_zeros(found);
    }
};

std::string_view normal_letter(std::string_view word) {
    if (word == "alpha") return "a";
    if (word == "beta") return "b";
    if (word == "c" || word == "pre" || word == "preview") return "rc";
    return word;
}

std::unexpected<Error> refuse(std::string_view text) {
    return fail(ErrorKind::InvalidInput, fmt::format("'{}' is not a version as PEP 440 has it", text));
}

}  // namespace

Expected<Pep440Version> Pep440Version::parse(std::string_view text) {
    const std::string lower = to_lower(trim(text));
    Cursor in{lower};
    Pep440Version version;
    in.take('v');
    auto first = in.digits();
    if (first.empty()) return refuse(text);
    if (in.take('!')) {
        version.epoch_ = strip_zeros(first);
        first = in.digits();
        if (first.empty()) return refuse(text);
    }
    version.release_.push_back(strip_zeros(first));
    while (in.rest.size() > 1 && in.rest[0] == '.' && is_digit(in.rest[1])) {
        in.take('.');
        version.release_.push_back(strip_zeros(in.digits()));
    }
    if (const auto letter = in.word({"alpha", "a", "beta", "b", "preview", "pre", "c", "rc"}); !letter.empty()) {
        version.pre_letter_ = normal_letter(letter);
        version.pre_number_ = in.number();
    }
    if (in.rest.size() > 1 && in.rest[0] == '-' && is_digit(in.rest[1])) {
        in.take('-');
        version.post_ = strip_zeros(in.digits());
    } else if (!in.word({"post", "rev", "r"}).empty()) {
        version.post_ = in.number();
    }
    if (!in.word({"dev"}).empty()) version.dev_ = in.number();
    if (in.take('+')) {
        do {
            std::size_t n = 0;
            while (n < in.rest.size() && is_alnum(in.rest[n])) ++n;
            if (n == 0) return refuse(text);
            const auto segment = in.rest.substr(0, n);
            version.local_.push_back(std::ranges::all_of(segment, is_digit) ? strip_zeros(segment)
                                                                            : std::string(segment));
            in.rest.remove_prefix(n);
        } while (in.take('.') || in.take('-') || in.take('_'));
    }
    if (!in.rest.empty()) return refuse(text);
    return version;
}

std::string Pep440Version::to_string() const {
    std::string out = epoch_ == "0" ? "" : epoch_ + "!";
    out += join(release_, ".");
    if (!pre_letter_.empty()) out += pre_letter_ + pre_number_;
    if (post_) out += ".post" + *post_;
    if (dev_) out += ".dev" + *dev_;
    if (!local_.empty()) out += "+" + join(local_, ".");
    return out;
}

namespace {

std::strong_ordering compare_releases(const std::vector<std::string>& a, const std::vector<std::string>& b) {
    static const std::string kZero = "0";
    for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
        const auto order = compare_numbers(i < a.size() ? a[i] : kZero, i < b.size() ? b[i] : kZero);
        if (order != 0) return order;
    }
    return std::strong_ordering::equal;
}

// Digits are later than letters, and a longer list than its beginning.
std::strong_ordering compare_locals(const std::vector<std::string>& a, const std::vector<std::string>& b) {
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
        const bool a_number = std::ranges::all_of(a[i], is_digit);
        const bool b_number = std::ranges::all_of(b[i], is_digit);
        if (a_number != b_number) return a_number <=> b_number;
        const auto order = a_number ? compare_numbers(a[i], b[i]) : a[i] <=> b[i];
        if (order != 0) return order;
    }
    return a.size() <=> b.size();
}

// Absence sorts before every number (rank -1) or after all of them (rank +1).
std::strong_ordering compare_optional(const std::optional<std::string>& a, const std::optional<std::string>& b,
                                      bool absent_is_last) {
    if (a && b) return compare_numbers(*a, *b);
    if (!a && !b) return std::strong_ordering::equal;
    return (a.has_value() != absent_is_last) ? std::strong_ordering::greater : std::strong_ordering::less;
}

}  // namespace

std::weak_ordering Pep440Version::compare_public(const Pep440Version& other) const {
    // Where a version without a pre-release stands among those with one: a dev release of nothing else comes before
    // them all.
    const auto rank = [](const Pep440Version& v) {
        if (!v.pre_letter_.empty()) return 1;
        return v.dev_ && !v.post_ ? 0 : 2;
    };
    if (const auto order = compare_numbers(epoch_, other.epoch_); order != 0) return order;
    if (const auto order = compare_releases(release_, other.release_); order != 0) return order;
    if (const auto order = rank(*this) <=> rank(other); order != 0) return order;
    if (const auto order = pre_letter_ <=> other.pre_letter_; order != 0) return order;
    if (const auto order = compare_numbers(pre_number_, other.pre_number_); order != 0) return order;
    if (const auto order = compare_optional(post_, other.post_, false); order != 0) return order;
    return compare_optional(dev_, other.dev_, true);
}

std::weak_ordering Pep440Version::operator<=>(const Pep440Version& other) const {
    if (const auto order = compare_public(other); order != 0) return order;
    return compare_locals(local_, other.local_);
}

std::string Pep440Version::local() const {
    return join(local_, ".");
}

Pep440Version Pep440Version::public_version() const {
    Pep440Version version = *this;
    version.local_.clear();
    return version;
}

bool Pep440Version::has_release_prefix(const Pep440Version& prefix, std::size_t count) const {
    if (epoch_ != prefix.epoch_) return false;
    for (std::size_t i = 0; i < count; ++i) {
        if ((i < release_.size() ? release_[i] : "0") != prefix.release_[i]) return false;
    }
    return true;
}

bool Pep440Version::is_postrelease_of(const Pep440Version& base) const {
    return post_ && epoch_ == base.epoch_ && compare_releases(release_, base.release_) == 0 &&
           pre_letter_ == base.pre_letter_ && pre_number_ == base.pre_number_;
}

}  // namespace envbuild::pypi
