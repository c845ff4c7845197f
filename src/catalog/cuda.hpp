// CUDA versions, what runs on which driver, and who brings a CUDA runtime along.
#pragma once

#include <compare>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "conda/package_record.hpp"

namespace envbuild::catalog {

// "11.8", "12.4.1", "12": compared by number; a part that is not given is taken as 0. Immutable.
class CudaVersion {
  public:
    CudaVersion() = default;
    [[nodiscard]] static Expected<CudaVersion> parse(std::string_view text);  // InvalidInput
    [[nodiscard]] int major() const { return major_; }
    [[nodiscard]] int minor() const { return minor_; }
    [[nodiscard]] std::string to_string() const { return text_; }  // as written
    [[nodiscard]] std::string major_minor() const;                 // "12.4"; "12" where no minor was given
    // Whether `asked` ("11", "11.8", "11.8.0") is a prefix of this one.
    [[nodiscard]] bool fits(const CudaVersion& asked) const;
    std::strong_ordering operator<=>(const CudaVersion& other) const;
    bool operator==(const CudaVersion& other) const { return (*this <=> other) == 0; }

  private:
    std::string text_;
    int major_ = 0, minor_ = 0, patch_ = 0, parts_ = 0;
};

// A package, conda's or pip's, as detection needs it.
struct NamedVersion {
    std::string name;  // conda's, or pip's normalised one
    std::string version;
    bool pip = false;
};

// A row of curated/cuda-compat.yaml's `frameworks`: which CUDA a package's version was made for.
struct FrameworkRow {
    std::string manager;               // "pip" or "conda"
    std::string package;               // pip's with an extra: "tensorflow[and-cuda]"
    std::string version;               // "2.4" stands for 2.4 and 2.4.*; "" for any
    std::vector<std::string> builds;   // "11.0"; "=": the package's own version is the CUDA version
    std::string cudnn;                 // of all builds; "" where they differ or it is not known
    std::vector<std::string> cudnns;   // of each build, where the row says one each; else empty
    std::vector<std::string> pythons;  // "3.8", "3.9"; empty where it is not known
    bool loads_base = false;           // column cuda: base. False: bundled, it brings its runtime along
    std::string source, date;
};

// The compute capabilities that a CUDA toolkit has code for.
struct ComputeRange {
    CudaVersion min, max;  // "7.5", "12.1": compared as CUDA versions are
    std::string source, date;
};

// curated/cuda-compat.yaml. Immutable; thread-safe to read.
class CudaCompat {
  public:
    // Throws Error(InvalidInput) with file:line:column.
    [[nodiscard]] static CudaCompat load(const std::filesystem::path& file);

    [[nodiscard]] const std::vector<FrameworkRow>& frameworks() const { return frameworks_; }
    // The first row that holds for this version of the package; nothing where the table is silent.
    [[nodiscard]] const FrameworkRow* find(std::string_view manager, std::string_view package,
                                           std::string_view version) const;

    // The lowest Linux driver for a CUDA version: its own toolkit's, or with `minor_compatible` the major's; "" if
    // unknown.
    [[nodiscard]] std::string min_driver(const CudaVersion& cuda, bool minor_compatible = false) const;

    // The newest CUDA that a Linux driver runs by itself: the newest toolkit whose lowest driver is not above it.
    [[nodiscard]] std::optional<CudaVersion> cuda_of_driver(std::string_view driver) const;

    // Null where the table is silent.
    [[nodiscard]] const ComputeRange* compute_range(const CudaVersion& cuda) const;

    // What a row's `source` stands for; "" where the file does not say.
    [[nodiscard]] std::string source(std::string_view key) const;

    // The value of NVIDIA_REQUIRE_CUDA for an image that asks `cuda` of the driver: "cuda>=12.4". With
    // `forward_compatible` (the base holds NVIDIA's cuda-compat package) followed by the older driver branches that
    // data-center GPUs may have.
    [[nodiscard]] std::string nvidia_require_cuda(const CudaVersion& cuda, bool forward_compatible = false) const;

    // Packages of the list that bring a CUDA runtime along (cudatoolkit, cuda-cudart, nvidia-cuda-runtime-cu12, torch
    // wheels).
    [[nodiscard]] std::vector<NamedVersion> cuda_runtimes(const std::vector<NamedVersion>& packages) const;

    [[nodiscard]] const std::string& default_target() const {
        return default_target_;
    }  // __cuda for bases without CUDA

  private:
    struct Driver {
        CudaVersion cuda;
        std::string linux_driver;
    };
    struct Branches {
        CudaVersion cuda;
        std::vector<std::string> drivers;
    };
    std::vector<FrameworkRow> frameworks_, runtimes_;
    std::vector<Driver> drivers_, minor_drivers_;
    std::vector<Branches> forward_;
    std::vector<std::pair<CudaVersion, ComputeRange>> compute_;
    std::map<std::string, std::string, std::less<>> sources_;
    std::string default_target_;
};

// "550.54.15" by its numbers: less, equal, greater. A part that is no number counts as 0.
[[nodiscard]] std::strong_ordering compare_drivers(std::string_view a, std::string_view b);

}  // namespace envbuild::catalog
