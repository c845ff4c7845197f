#include "conda/version_key.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/strings.hpp"
#include "conda/version.hpp"

namespace envbuild::conda {

namespace {

constexpr char kLetters = 0x10, kLettersEnd = 0x01, kZeroBelow = 0x20, kEndBelow = 0x30, kEndLast = 0x31,
               kEndAbove = 0x32, kZeroAbove = 0x40, kNumber = 0x50, kBigNumber = 0x60, kPost = 0x7f;

using Kind = VersionAtom::Kind;

// What a key costs grows with the square of the length.
constexpr std::size_t kLongest = 1024;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

enum class CharClass : std::uint8_t { Digit, Star, Other };

CharClass class_of(char c) {
    return is_digit(c) ? CharClass::Digit : c == '*' ? CharClass::Star : CharClass::Other;
}

VersionAtom make_atom(std::string_view run) {
    VersionAtom atom;
    if (is_digit(run.front())) {
        while (!run.empty() && run.front() == '0') run.remove_prefix(1);
        atom.text = run;
    } else if (run == "post") {
        atom.kind = Kind::Post;
    } else {
        atom.kind = Kind::Letters;
        atom.text = run == "dev" ? std::string_view("DEV") : run;
    }
    return atom;
}

// One component without separators; false where it is empty.
bool split_component(std::string_view component, std::vector<VersionAtom>& out) {
    if (component.empty()) return false;
    // A component starts with a number, so that numbers and letters stay in phase.
    if (!is_digit(component.front())) out.emplace_back();
    while (!component.empty()) {
        const CharClass first = class_of(component.front());
        std::size_t n = 1;
        while (n < component.size() && class_of(component[n]) == first) ++n;
        out.push_back(make_atom(component.substr(0, n)));
        component.remove_prefix(n);
    }
    out.back().ends_component = true;
    return true;
}

bool split_components(std::string_view text, std::vector<VersionAtom>& out) {
    while (true) {
        const std::size_t at = text.find_first_of("._");
        if (!split_component(text.substr(0, at), out)) return false;
        if (at == std::string_view::npos) return true;
        text.remove_prefix(at + 1);
    }
}

// openssl's way: a "_" at the very end belongs to the last component ("1.0.1_" < "1.0.1a").
bool split_release(std::string_view text, std::vector<VersionAtom>& out) {
    if (!text.ends_with('_')) return split_components(text, out);
    const std::string_view body = text.substr(0, text.size() - 1);
    const std::size_t at = body.find_last_of("._");
    if (at != std::string_view::npos && !split_components(body.substr(0, at), out)) return false;
    return split_component(text.substr(at == std::string_view::npos ? 0 : at + 1), out);
}

int sign(const VersionAtom& atom) {
    if (atom.kind == Kind::Letters) return -1;
    return atom.kind == Kind::Post || !atom.text.empty() ? 1 : 0;
}

void append_number(std::string& key, const std::string& digits) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc()) {
        key += kBigNumber;
        for (int shift = 24; shift >= 0; shift -= 8) key += static_cast<char>(digits.size() >> shift);
        key += digits;
        return;
    }
    int bytes = 8;
    while (bytes > 1 && (value >> (8 * (bytes - 1))) == 0) --bytes;
    key += static_cast<char>(kNumber + bytes);
    for (int i = bytes - 1; i >= 0; --i) key += static_cast<char>(value >> (8 * i));
}

void append_list(std::string& key, const std::vector<VersionAtom>& atoms) {
    std::size_t i = 0;
    while (true) {
        std::size_t end = i;
        while (end < atoms.size() && !atoms[end].ends_component) ++end;
        end = std::min(end + 1, atoms.size());
        std::size_t last = end;
        while (last > i && sign(atoms[last - 1]) == 0) --last;
        for (; i < last; ++i) {
            const VersionAtom& atom = atoms[i];
            if (atom.kind == Kind::Letters) {
                key += kLetters;
                key += atom.text;
                key += kLettersEnd;
            } else if (atom.kind == Kind::Post) {
                key += kPost;
            } else if (!atom.text.empty()) {
                append_number(key, atom.text);
            } else {
                std::size_t next = i + 1;
                while (sign(atoms[next]) == 0) ++next;
                key += sign(atoms[next]) < 0 ? kZeroBelow : kZeroAbove;
            }
        }
        i = end;
        std::size_t next = end;
        while (next < atoms.size() && sign(atoms[next]) == 0) ++next;
        if (next == atoms.size()) {
            key += kEndLast;
            return;
        }
        key += sign(atoms[next]) < 0 ? kEndBelow : kEndAbove;
    }
}

// Reads a key back, atom by atom; what is missing reads as zero without end.
class KeyReader {
  public:
    explicit KeyReader(std::string_view key) : key_(key) {}

    // Whether the next atom of the component is this one; moves behind it. `number`: how a key spells it, "" for zero.
    bool take(const VersionAtom& wanted, std::string_view number) {
        const char tag = current();
        switch (tag) {
            case kLetters: {
                const std::size_t end = key_.find(kLettersEnd, at_);
                const std::string_view text = key_.substr(at_ + 1, end - at_ - 1);
                at_ = end + 1;
                return wanted.kind == Kind::Letters && text == wanted.text;
            }
            case kZeroBelow:
            case kZeroAbove:
                ++at_;
                return wanted.kind == Kind::Number && wanted.text.empty();
            case kEndBelow:
            case kEndLast:
            case kEndAbove:
                return wanted.kind == Kind::Number && wanted.text.empty();
            case kPost:
                ++at_;
                return wanted.kind == Kind::Post;
            default:
                return take_number(number);
        }
    }

    bool letters_start_with(std::string_view prefix) const {
        if (current() != kLetters) return false;
        return key_.substr(at_ + 1, key_.find(kLettersEnd, at_) - at_ - 1).starts_with(prefix);
    }

    // Whether only zeros are left of the component; moves to the next one.
    bool end_component() {
        const char tag = current();
        if (tag != kEndBelow && tag != kEndLast && tag != kEndAbove) return false;
        if (tag != kEndLast) ++at_;
        return true;
    }

  private:
    [[nodiscard]] char current() const { return at_ < key_.size() ? key_[at_] : kEndLast; }

    bool take_number(std::string_view number) {
        if (number.empty() || !key_.substr(at_).starts_with(number)) return false;
        at_ += number.size();
        return true;
    }

    std::string_view key_;
    std::size_t at_ = 0;
};

std::unexpected<Error> invalid(std::string_view text, std::string_view reason) {
    return fail(ErrorKind::InvalidInput, fmt::format("invalid version '{}': {}", text.substr(0, 200), reason));
}

bool is_plain(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        return is_digit(c) || (c >= 'a' && c <= 'z') || c == '*' || c == '.' || c == '+' || c == '!' || c == '_';
    });
}

}  // namespace

std::optional<std::string> normalize_version(std::string_view text) {
    std::string lower = to_lower(text);
    if (is_plain(lower)) return lower;
    if (lower.find('_') != std::string::npos) return std::nullopt;
    std::replace(lower.begin(), lower.end(), '-', '_');
    if (!is_plain(lower)) return std::nullopt;
    return lower;
}

Expected<VersionAtoms> split_version(std::string_view text) {
    if (text.empty()) return invalid(text, "it is empty");
    if (text.size() > kLongest) return invalid(text, fmt::format("it is longer than {} characters", kLongest));
    const std::optional<std::string> normalized = normalize_version(text);
    if (!normalized) return invalid(text, "a character that versions do not have");
    std::string_view rest = *normalized;
    std::string_view epoch = "0";
    if (const std::size_t at = rest.find('!'); at != std::string_view::npos) {
        epoch = rest.substr(0, at);
        rest.remove_prefix(at + 1);
        if (rest.find('!') != std::string_view::npos) return invalid(text, "more than one '!'");
        if (epoch.empty() || !std::all_of(epoch.begin(), epoch.end(), is_digit)) {
            return invalid(text, "what stands before '!' must be a number");
        }
    }
    VersionAtoms atoms;
    atoms.release.reserve(8);
    atoms.release.push_back(make_atom(epoch));
    atoms.release.back().ends_component = true;
    const std::size_t plus = rest.find('+');
    const std::string_view release = rest.substr(0, plus);
    if (release.empty()) return invalid(text, "nothing stands where the version should");
    if (!split_release(release, atoms.release)) return invalid(text, "an empty part between separators");
    if (plus != std::string_view::npos) {
        const std::string_view local = rest.substr(plus + 1);
        if (local.find('+') != std::string_view::npos) return invalid(text, "more than one '+'");
        if (!split_components(local, atoms.local)) return invalid(text, "an empty part behind '+'");
    }
    return atoms;
}

std::string version_key(const VersionAtoms& atoms) {
    std::string key;
    append_list(key, atoms.release);
    append_list(key, atoms.local);
    return key;
}

VersionPrefix::VersionPrefix(const Version& prefix) {
    VersionAtoms atoms = value_or_throw(split_version(prefix.to_string()));
    if (!atoms.local.empty()) append_list(release_key_, atoms.release);
    for (VersionAtom& atom : atoms.local.empty() ? atoms.release : atoms.local) {
        std::string encoded;
        if (atom.kind == Kind::Number && !atom.text.empty()) append_number(encoded, atom.text);
        wanted_.push_back({std::move(atom), std::move(encoded)});
    }
}

bool VersionPrefix::matches(const Version& version) const {
    std::string_view key = version.sort_key();
    if (!key.starts_with(release_key_)) return false;
    key.remove_prefix(release_key_.size());
    KeyReader reader(key);
    for (std::size_t i = 0; i + 1 < wanted_.size(); ++i) {
        if (!reader.take(wanted_[i].atom, wanted_[i].encoded)) return false;
        if (wanted_[i].atom.ends_component && !reader.end_component()) return false;
    }
    const Wanted& last = wanted_.back();
    return last.atom.kind == Kind::Letters ? reader.letters_start_with(last.atom.text)
                                           : reader.take(last.atom, last.encoded);
}

}  // namespace envbuild::conda
