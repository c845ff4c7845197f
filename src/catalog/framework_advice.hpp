// Which base image fits a framework, and why: `envbuild bases --for torch==2.1` (docs/base-images.md).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "catalog/base_images.hpp"

namespace envbuild::catalog {

// A package with its version, as asked.
struct FrameworkAsk {
    std::string manager;  // "pip" or "conda"
    std::string package;  // pip's normalised one; "tensorflow[and-cuda]" with an extra that the table has a row for
    std::string version;  // "2.1", a version or a prefix of one; "" for any
    std::string text;     // as asked: "torch==2.1"

    // "torch==2.1", "pip:torch==2.1.*", "conda:pytorch=2.1", "tensorflow[and-cuda]==2.15". InvalidInput; also for a
    // range, which names no version.
    [[nodiscard]] static Expected<FrameworkAsk> parse(std::string_view text);
};

// One CUDA that a framework was built for.
struct CudaBuild {
    std::string cuda;              // "12.1"
    std::string cudnn;             // "8.9.2.26"; "" where it is not known
    std::string min_driver;        // of exactly this toolkit; "" unknown
    std::string min_driver_major;  // of its major version, by minor version compatibility; "" where there is none
};

// What the table says of one ask.
struct FrameworkFacts {
    FrameworkAsk ask;
    bool loads_base = false;  // false: it brings its CUDA runtime along
    std::vector<CudaBuild> builds;
    std::vector<std::string> pythons;
    std::string source, source_text, date;
    std::string note;  // what the table does not know; "" where the row is whole
};

// An image that does, and why.
struct BaseSuggestion {
    const BaseImageEntry* entry = nullptr;  // of the catalogue, which outlives it
    std::string reason;
    std::string instead_of;  // the larger image that it makes unnecessary; "" where it is none's replacement
};

struct FrameworkAnswer {
    std::vector<FrameworkFacts> facts;        // in the order asked
    std::vector<BaseSuggestion> suggestions;  // best first
    // What `build --gpu` takes for these packages without --base; "" where it takes none by itself.
    std::string build_takes;
    std::optional<std::vector<std::string>> pythons;  // those that all support; none where nothing is known
    std::vector<std::string> notes;

    [[nodiscard]] Json to_json() const;
};

// Errors: NotFound for a package that the table has no row for (the nearest are named), Unsatisfiable for frameworks
// that contradict each other (both named): two CUDAs from one base, no common Python. `platform` is a conda subdir.
[[nodiscard]] Expected<FrameworkAnswer> advise(const BaseImageCatalog& catalog, const std::vector<FrameworkAsk>& asks,
                                               const std::string& platform);

}  // namespace envbuild::catalog
