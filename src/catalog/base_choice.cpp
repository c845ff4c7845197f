#include "catalog/base_choice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/strings.hpp"

namespace envbuild::catalog {

namespace {

// What one package of the intent says of CUDA.
struct Demand {
    std::string text;                 // as the user wrote it: "tensorflow==2.4.0 (pip)"
    std::vector<CudaVersion> builds;  // CUDA versions that do
    std::string cudnn;
    bool loads_base = false;
};

// The version of "==1.2.3", "1.2.*", "==1.2.*", "===1.2": what stands for one version, or a prefix of it; "" for the
// rest.
std::string pinned(std::string text) {
    if (text.find_first_of(",|<>!~^") != std::string::npos) return "";
    while (text.starts_with('=')) text.erase(0, 1);
    if (text.ends_with(".*")) text.resize(text.size() - 2);
    return text.find('*') == std::string::npos ? text : std::string();
}

class Chooser {
  public:
    Chooser(const BaseImageCatalog& catalog, const spec::EnvironmentSpec& spec) : catalog_(catalog), spec_(spec) {
        for (const auto& line : spec.pip) add_pip(line);
        for (const auto& match : spec.conda) {
            if (match.has_exact_name())
                add("conda", match.name(), pinned(match.version().canonical()), match.to_string() + " (conda)");
        }
    }

    BaseChoice choose(const std::string& default_cpu, const std::string& default_gpu) {
        if (!spec_.base_image.empty()) return as_asked();
        if (!wants_gpu()) return of_entry(*catalog_.find(default_cpu), "the default for CPU");
        if (!spec_.gpu.cuda.empty()) return by_option();
        if (first_demand(true) != nullptr) {
            check_demands_agree();
            const auto* demand = narrowest_loading();
            auto choice = nearest_or_error(demand->builds.front(), demand->cudnn, demand->text);
            choice.reason = fmt::format("{} loads CUDA {} from its base image", demand->text, text_of(demand->builds));
            return choice;
        }
        if (const auto* demand = first_demand(false)) {
            if (auto choice = by_pin(*demand)) return *choice;
        }
        return of_entry(*catalog_.find(default_gpu), "the default for GPU");
    }

  private:
    [[nodiscard]] bool wants_gpu() const { return spec_.gpu.wanted || !spec_.gpu.cuda.empty(); }

    void add_pip(const pypi::RequirementLine& line) {
        if (line.name.empty()) return;
        const auto version = line.kind == pypi::RequirementLine::Kind::Named ? pinned(line.specifier) : std::string();
        const auto text = line.name + line.specifier + " (pip)";
        for (const auto& extra : line.extras) {
            if (catalog_.cuda().find("pip", line.name + "[" + extra + "]", version) != nullptr)
                return;  // brings its CUDA
        }
        add("pip", line.name, version, text);
    }

    void add(const std::string& manager, const std::string& name, const std::string& version, const std::string& text) {
        const auto* row = catalog_.cuda().find(manager, name, version);
        if (row == nullptr) return;
        Demand demand{text, {}, row->cudnn, row->loads_base};
        for (const auto& build : row->builds) {
            const auto cuda = build == "=" ? version : build;
            if (auto parsed = CudaVersion::parse(cuda)) demand.builds.push_back(*parsed);
            // A package whose own version is the CUDA version speaks for the environment's CUDA, although it brings it
            // along.
            if (build == "=" && !demand.builds.empty()) pins_.insert(demands_.size());
        }
        if (!demand.builds.empty()) demands_.push_back(std::move(demand));
    }

    [[nodiscard]] const Demand* first_demand(bool loads_base) const {
        for (std::size_t i = 0; i < demands_.size(); ++i) {
            if (loads_base ? demands_[i].loads_base : pins_.contains(i)) return &demands_[i];
        }
        return nullptr;
    }

    // cupy-cuda11x takes any 11, so beside it 11.0 is what decides. The first of those that say as much.
    [[nodiscard]] const Demand* narrowest_loading() const {
        const auto parts = [](const Demand& demand) { return split(demand.builds.front().to_string(), '.').size(); };
        const Demand* narrowest = nullptr;
        for (const auto& demand : demands_) {
            if (demand.loads_base && (narrowest == nullptr || parts(demand) > parts(*narrowest))) narrowest = &demand;
        }
        return narrowest;
    }

    static std::string text_of(const std::vector<CudaVersion>& versions) {
        std::vector<std::string> texts;
        for (const auto& version : versions) texts.push_back(version.to_string());
        return join(texts, " or ");
    }

    // Either may be given to the minor version or to the patch.
    static bool agree(const CudaVersion& a, const CudaVersion& b) {
        const auto minor = [](const CudaVersion& version) {
            return value_or_throw(CudaVersion::parse(version.major_minor()));
        };
        return minor(a).fits(minor(b)) || minor(b).fits(minor(a));
    }

    static bool takes(const Demand& demand, const CudaVersion& cuda) {
        return std::any_of(demand.builds.begin(), demand.builds.end(),
                           [&](const auto& build) { return agree(build, cuda); });
    }

    [[noreturn]] static void contradict(const Demand& demand, const std::string& other) {
        throw Error(ErrorKind::Unsatisfiable,
                    fmt::format("{} {} CUDA {}, but {}", demand.text,
                                demand.loads_base ? "loads from its base image" : "is", text_of(demand.builds), other))
            .with_hint("change one of the two");
    }

    void check(const CudaVersion& cuda, const std::string& other, bool pins_too) const {
        for (std::size_t i = 0; i < demands_.size(); ++i) {
            const bool counts = demands_[i].loads_base || (pins_too && pins_.contains(i));
            if (counts && !takes(demands_[i], cuda)) contradict(demands_[i], other);
        }
    }

    void check_demands_agree() const {
        const auto& first = *first_demand(true);
        for (const auto& demand : demands_) {
            if (!demand.loads_base) continue;
            const bool shares = std::any_of(first.builds.begin(), first.builds.end(),
                                            [&](const auto& build) { return takes(demand, build); });
            if (!shares) contradict(demand, fmt::format("{} loads CUDA {}", first.text, text_of(first.builds)));
        }
    }

    // --base: taken as it is, unless what is known of it contradicts what is asked.
    BaseChoice as_asked() const {
        BaseChoice choice;
        choice.image = spec_.base_image;
        choice.reason = "--base";
        const auto* entry = catalog_.find(spec_.base_image);
        if (entry == nullptr) {
            if (wants_gpu())
                choice.notes.emplace_back(
                    "the catalogue does not know this base image: its CUDA is read from the image");
            if (!spec_.gpu.cuda.empty()) choice.cuda = spec_.gpu.cuda;
            return choice;
        }
        choice = of_entry(*entry, "--base", spec_.base_image);
        if (!spec_.gpu.cuda.empty()) {
            const auto asked = value_or_throw(CudaVersion::parse(spec_.gpu.cuda));
            if (entry->cuda.empty() || !value_or_throw(CudaVersion::parse(entry->cuda)).fits(asked)) {
                throw Error(ErrorKind::Unsatisfiable,
                            fmt::format("--cuda {} is asked, but --base {} has {}", spec_.gpu.cuda, spec_.base_image,
                                        entry->cuda.empty() ? "no CUDA" : "CUDA " + entry->cuda))
                    .with_hint("leave out one of the two");
            }
        }
        if (!entry->cuda.empty() && wants_gpu()) {
            check(value_or_throw(CudaVersion::parse(entry->cuda)),
                  fmt::format("--base {} has CUDA {}", spec_.base_image, entry->cuda), false);
        }
        const auto* demand = first_demand(true);
        if (entry->cuda.empty() && wants_gpu() && demand != nullptr) {
            contradict(*demand, fmt::format("--base {} has no CUDA", spec_.base_image));
        }
        return choice;
    }

    BaseChoice by_option() const {
        const auto asked = value_or_throw(CudaVersion::parse(spec_.gpu.cuda));
        const auto option = "--cuda " + spec_.gpu.cuda;
        check(asked, option + " is asked", true);
        const auto* demand = first_demand(true);
        auto choice = nearest_or_error(asked, demand == nullptr ? "" : demand->cudnn, option);
        choice.reason = option;
        return choice;
    }

    // The base's CUDA is not what runs, but its tools and the driver that it asks for should fit.
    std::optional<BaseChoice> by_pin(const Demand& demand) const {
        const auto& asked = demand.builds.front();
        if (const auto* entry = best(asked, "", false)) {
            return of_entry(*entry, fmt::format("{} brings CUDA {}", demand.text, asked.to_string()));
        }
        const BaseImageEntry* lowest = nullptr;
        for (const auto* entry : suitable(false)) {
            const auto cuda = value_or_throw(CudaVersion::parse(entry->cuda));
            if (cuda < asked || cuda.major() != asked.major()) continue;
            if (lowest == nullptr || cuda < value_or_throw(CudaVersion::parse(lowest->cuda))) lowest = entry;
        }
        if (lowest == nullptr) return std::nullopt;
        return of_entry(*lowest, fmt::format("{} brings CUDA {}, and this is the nearest base that is not older",
                                             demand.text, asked.to_string()));
    }

    BaseChoice nearest_or_error(const CudaVersion& asked, const std::string& cudnn, const std::string& who) const {
        if (const auto* entry = best(asked, cudnn, true)) return of_entry(*entry, "");
        std::vector<std::pair<CudaVersion, std::string>> known;
        for (const auto* entry : suitable(true)) {
            const auto version = value_or_throw(CudaVersion::parse(entry->cuda));
            known.emplace_back(version, version.major_minor());
        }
        std::sort(known.begin(), known.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
        std::vector<std::string> names;
        for (const auto& [version, name] : known) {
            if (names.empty() || names.back() != name) names.push_back(name);
        }
        throw Error(ErrorKind::InvalidInput,
                    fmt::format("{} asks for CUDA {}, and the catalogue has no base image with it for {}", who,
                                asked.to_string(), spec_.platform.to_string()))
            .with_hint(names.empty() ? "name an image with --base"
                                     : "it has CUDA " + join(names, ", ") + "; or name an image with --base");
    }

    // Runtime images with cuDNN for the platform: what an environment needs, without compilers.
    [[nodiscard]] std::vector<const BaseImageEntry*> suitable(bool deprecated_too) const {
        std::vector<const BaseImageEntry*> found;
        for (const auto& entry : catalog_.images()) {
            const auto& platforms = entry.platforms;
            if (entry.flavor != "runtime" || entry.cudnn.empty() || (entry.deprecated && !deprecated_too)) continue;
            if (std::find(platforms.begin(), platforms.end(), spec_.platform.to_string()) == platforms.end()) continue;
            found.push_back(&entry);
        }
        return found;
    }

    // The best image with this CUDA: the cuDNN that is asked for, still supported, the newest CUDA, the default's
    // system, the newest.
    [[nodiscard]] const BaseImageEntry* best(const CudaVersion& asked, const std::string& cudnn,
                                             bool deprecated_too) const {
        const auto major = [](const std::string& version) { return version.substr(0, version.find('.')); };
        const auto rank = [&](const BaseImageEntry& entry) {
            return std::tuple(cudnn.empty() || major(entry.cudnn) == major(cudnn), !entry.deprecated,
                              value_or_throw(CudaVersion::parse(entry.cuda)), entry.os == "ubuntu22.04", entry.os,
                              entry.image);
        };
        const BaseImageEntry* best = nullptr;
        for (const auto* entry : suitable(deprecated_too)) {
            if (!value_or_throw(CudaVersion::parse(entry->cuda)).fits(asked)) continue;
            if (best == nullptr || rank(*entry) > rank(*best)) best = entry;
        }
        return best;
    }

    [[nodiscard]] BaseChoice of_entry(const BaseImageEntry& entry, std::string reason, std::string image = "") const {
        BaseChoice choice;
        choice.image = image.empty() ? entry.image : std::move(image);
        choice.cuda = entry.cuda;
        choice.cudnn = entry.cudnn;
        choice.reason = std::move(reason);
        choice.entry = entry;
        const auto& platforms = entry.platforms;
        if (!platforms.empty() &&
            std::find(platforms.begin(), platforms.end(), spec_.platform.to_string()) == platforms.end()) {
            choice.notes.push_back(
                fmt::format("{} is not known to be there for {}", choice.image, spec_.platform.to_string()));
        }
        if (entry.deprecated) {
            choice.notes.push_back(choice.image +
                                   " is no longer supported by its publisher, and may be gone from its registry");
        }
        return choice;
    }

    const BaseImageCatalog& catalog_;
    const spec::EnvironmentSpec& spec_;
    std::vector<Demand> demands_;
    std::set<std::size_t> pins_;
};

}  // namespace

BaseChoice choose_base(const BaseImageCatalog& catalog, const std::string& default_cpu, const std::string& default_gpu,
                       const spec::EnvironmentSpec& spec) {
    return Chooser(catalog, spec).choose(default_cpu, default_gpu);
}

}  // namespace envbuild::catalog
