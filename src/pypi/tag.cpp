#include "pypi/tag.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "pypi/pep440.hpp"

namespace envbuild::pypi {

namespace {

// The first two numbers of a version.
std::optional<std::pair<int, int>> two_numbers(std::string_view text) {
    std::pair<int, int> numbers;
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    const auto first = std::from_chars(begin, end, numbers.first);
    if (first.ec != std::errc() || first.ptr == end || *first.ptr != '.') return std::nullopt;
    const auto second = std::from_chars(first.ptr + 1, end, numbers.second);
    if (second.ec != std::errc() || numbers.first < 0 || numbers.second < 0 || numbers.second > 1000)
        return std::nullopt;
    return numbers;
}

// A glibc 3 would take what was built for glibc 2; how far 2 will have gone, nobody knows (packaging guesses the same).
constexpr int kLastMinorOfGlibc2 = 50;

struct Legacy {
    int minor;
    std::string_view name;
};
constexpr std::array kLegacy = {Legacy{17, "manylinux2014"}, Legacy{12, "manylinux2010"}, Legacy{5, "manylinux1"}};

}  // namespace

Expected<TagTarget> TagTarget::of(std::string_view python, std::string_view machine, std::string_view glibc) {
    const auto version = two_numbers(python);
    if (!version || version->first < 2 || version->first > 3 || !Pep440Version::parse(python))
        return fail(ErrorKind::InvalidInput, fmt::format("'{}' is not a version of Python", python));
    const auto library = two_numbers(glibc);
    if (!library || library->first < 2 || library->first > 9)
        return fail(ErrorKind::InvalidInput, fmt::format("'{}' is not a version of glibc", glibc));
    if (machine.empty()) return fail(ErrorKind::InvalidInput, "the target's machine is not known");
    return TagTarget{version->first, version->second, false, std::string(machine), library->first, library->second};
}

std::vector<std::string> platform_tags(const TagTarget& target) {
    std::vector<std::string> platforms;
    const bool x86 = target.machine == "x86_64" || target.machine == "i686";
    const int oldest = x86 ? 5 : 17;
    for (int major = target.glibc_major; major >= 2; --major) {
        const int newest = major == target.glibc_major ? target.glibc_minor : kLastMinorOfGlibc2;
        for (int minor = newest; minor >= (major == 2 ? oldest : 0); --minor) {
            platforms.push_back(fmt::format("manylinux_{}_{}_{}", major, minor, target.machine));
            for (const Legacy& legacy : kLegacy) {
                if (major == 2 && minor == legacy.minor)
                    platforms.push_back(fmt::format("{}_{}", legacy.name, target.machine));
            }
        }
    }
    platforms.push_back("linux_" + target.machine);
    return platforms;
}

TagSet::TagSet(const TagTarget& target) {
    const std::vector<std::string> platforms = platform_tags(target);
    const int major = target.python_major, minor = target.python_minor;
    const std::string cpython = fmt::format("cp{}{}", major, minor);
    const auto add = [&](const std::string& interpreter, const std::string& abi) {
        for (const auto& platform : platforms) tags_.push_back({interpreter, abi, platform});
    };
    const std::string flags = target.free_threaded ? "t" : major == 3 && minor < 8 ? "m" : major == 2 ? "mu" : "";
    // abi3t is PEP 803's stable ABI of free-threaded builds.
    const std::string stable = major != 3 || minor < 2 ? "" : target.free_threaded ? "abi3t" : "abi3";
    add(cpython, cpython + flags);
    if (!stable.empty()) add(cpython, stable);
    add(cpython, "none");
    if (!stable.empty()) {
        for (int older = minor - 1; older >= 2; --older) add(fmt::format("cp{}{}", major, older), stable);
    }

    std::vector<std::string> generic = {fmt::format("py{}{}", major, minor), fmt::format("py{}", major)};
    for (int older = minor - 1; older >= 0; --older) generic.push_back(fmt::format("py{}{}", major, older));
    for (const auto& interpreter : generic) add(interpreter, "none");
    tags_.push_back({cpython, "none", "any"});
    for (const auto& interpreter : generic) tags_.push_back({interpreter, "none", "any"});

    ranks_.reserve(tags_.size());
    for (std::size_t i = 0; i < tags_.size(); ++i) ranks_.emplace(tags_[i].to_string(), i);
}

std::optional<std::size_t> TagSet::rank(std::string_view interpreter, std::string_view abi,
                                        std::string_view platform) const {
    const auto found = ranks_.find(fmt::format("{}-{}-{}", interpreter, abi, platform));
    return found == ranks_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace envbuild::pypi
