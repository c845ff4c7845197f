#include "layer/elf_banner.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace envbuild::layer {

namespace {

// System V ABI, e_machine.
struct Machine {
    unsigned number;
    bool wide, little;
    std::string_view name;
};
constexpr std::array<Machine, 7> kMachines{{{3, false, true, "386"},
                                            {21, true, true, "ppc64le"},
                                            {22, true, false, "s390x"},
                                            {40, false, true, "arm"},
                                            {62, true, true, "amd64"},
                                            {183, true, true, "arm64"},
                                            {243, true, true, "riscv64"}}};

std::size_t digits(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::find_if_not(text, [](char c) { return c >= '0' && c <= '9'; }) -
                                    text.begin());
}

}  // namespace

std::string elf_architecture(std::string_view file) {
    if (file.size() < 20 || !file.starts_with(std::string_view("\x7f"
                                                               "ELF"))) {
        return {};
    }
    const bool wide = file[4] == 2;
    const bool little = file[5] == 1;
    const auto low = static_cast<unsigned char>(file[little ? 18 : 19]);
    const auto high = static_cast<unsigned char>(file[little ? 19 : 18]);
    const unsigned number = low + 256U * high;
    for (const Machine& machine : kMachines) {
        if (machine.number == number && machine.wide == wide && machine.little == little)
            return std::string(machine.name);
    }
    return {};
}

std::string glibc_version_in(std::string_view file) {
    constexpr std::string_view kBanner = "GNU C Library (";
    constexpr std::string_view kVersion = " release version ";
    constexpr std::size_t kNear = 300;
    for (auto at = file.find(kBanner); at != std::string_view::npos; at = file.find(kBanner, at + 1)) {
        const auto line = file.substr(at, kNear);
        const auto version = line.find(kVersion);
        if (version == std::string_view::npos) continue;
        const auto text = line.substr(version + kVersion.size());
        const auto major = digits(text);
        if (major == 0 || major >= text.size() || text[major] != '.') continue;
        const auto minor = digits(text.substr(major + 1));
        if (minor != 0) return std::string(text.substr(0, major + 1 + minor));
    }
    return {};
}

}  // namespace envbuild::layer
