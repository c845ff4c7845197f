#include "build/curated_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>

#include "build/base_mirror.hpp"
#include "build/curated_selection.hpp"
#include "build/image_places.hpp"
#include "build/intent.hpp"
#include "build/resolver.hpp"
#include "catalog/base_images.hpp"

namespace envbuild::build {

namespace {

using catalog::CuratedEnvironment;
using catalog::CuratedStatus;
using catalog::CuratedVersion;

// Whether a registry has an image. One that could not be reached is not asked again in the same run.
class BaseImages {
  public:
    BaseImages(const catalog::BaseImageCatalog& catalog, const Workbench& bench) : catalog_(catalog), bench_(bench) {}

    // Throws what the registry threw where no source could say.
    bool has(const std::string& image) {
        if (const auto known = known_.find(image); known != known_.end()) return known->second;
        const auto reference = value_or_throw(oci::Reference::parse(image));
        AskedPlaces asked;
        const auto found = ask_places(reference.repository(), bench_, asked, [&](const oci::Repository& place) {
            if (const auto down = unreachable_.find(place.domain()); down != unreachable_.end()) {
                throw Error(ErrorKind::Transient, fmt::format("{} was not reached before", place.domain()))
                    .with_hint(down->second);
            }
            try {
                const auto repository = cache::registry_repository(bench_.registries(), place);
                auto raw = repository->get_manifest(reference.identifier());
                // Of a mirror's answer nothing follows: it may hold a part of the vendor's index.
                const auto* entry = catalog_.find(image);
                if (raw && entry != nullptr && !reference.digest() &&
                    place.to_string() == reference.repository().to_string())
                    moved_[image] = moved_since(*entry, *raw).value_or("");
                return raw;
            } catch (const Error& error) {
                if (error.kind() == ErrorKind::Transient) unreachable_.emplace(place.domain(), error.message());
                throw;
            }
        });
        if (!found && asked.failure) throw Error(*asked.failure);
        return known_[image] = found.has_value();
    }

    // That the tag is not what the catalogue knows, "" otherwise; after has().
    [[nodiscard]] std::string moved(const std::string& image) const {
        const auto found = moved_.find(image);
        return found == moved_.end() ? "" : found->second;
    }

  private:
    const catalog::BaseImageCatalog& catalog_;
    const Workbench& bench_;
    std::map<std::string, bool> known_;
    std::map<std::string, std::string> moved_;
    std::map<std::string, std::string> unreachable_;  // domain -> why
};

std::string first_line(const std::string& text) {
    return text.substr(0, text.find('\n'));
}

class Checker {
  public:
    Checker(CuratedDepth depth, const Workbench& bench)
        : depth_(depth),
          bench_(bench),
          catalog_(catalog::BaseImageCatalog::load(bench.settings().share_dir / "curated")),
          repository_(bench.repository()),
          bases_(catalog_, bench) {}

    CuratedFinding check(const CuratedEnvironment& environment, const CuratedVersion& version) {
        CuratedFinding finding;
        finding.name = environment.name;
        finding.version = version.definition.version;
        finding.status = version.status;
        try {
            look_at(environment, version, finding);
        } catch (const Error& error) {
            judge(error, version.status, finding);
        }
        return finding;
    }

  private:
    void look_at(const CuratedEnvironment& environment, const CuratedVersion& version, CuratedFinding& finding) {
        const auto& definition = version.definition;
        check_base_is_known(version);
        std::optional<Intent> intent;
        std::string image = definition.base.image;
        if (!definition.conda_file.empty()) {
            intent = read_intent(options_of(environment, definition), bench_);
            finding.spec_hash = intent->hash.hex();
            if (definition.base.dockerfile.empty()) image = value_or_throw(catalog_.choose(intent->spec())).image;
        }
        if (depth_ == CuratedDepth::Parse || image.empty()) {
            finding.detail = version.note;
            return;
        }
        if (!bases_.has(image)) {
            throw Error(ErrorKind::NotFound, fmt::format("the base image {} is not there", image));
        }
        if (const auto moved = bases_.moved(image); !moved.empty()) bench_.warn_once(moved);
        finding.result = CuratedResult::Resolves;
        finding.detail = fmt::format("{} as it is", image);
        if (!intent) return;
        Stages stages;
        const auto resolution = resolve(*intent, repository_, bench_, stages);
        finding.detail =
            fmt::format("{} conda packages, {} of pip", resolution.lock.conda.size(), resolution.lock.pip.size());
        if (version.status == CuratedStatus::Unsatisfiable) {
            throw Error(ErrorKind::InvalidInput, "it is marked unsatisfiable, and resolves: " + finding.detail);
        }
    }

    void check_base_is_known(const CuratedVersion& version) const {
        const auto& image = version.definition.base.image;
        if (image.empty()) return;
        const auto* entry = catalog_.find(image);
        if (entry == nullptr) {
            throw Error(ErrorKind::InvalidInput,
                        fmt::format("the base image {} is not in curated/base-images.yaml", image));
        }
        if (entry->deprecated && version.status == CuratedStatus::Current) {
            throw Error(ErrorKind::InvalidInput,
                        fmt::format("it is current, but its base image {} is deprecated", image));
        }
    }

    static IntentOptions options_of(const CuratedEnvironment& environment, const spec::Definition& definition) {
        IntentOptions options;
        options.environment = (environment.directory / definition.conda_file).string();
        options.base = definition.base.image;
        options.gpu = definition.gpu.wanted;
        options.cuda = definition.gpu.cuda;
        options.variables = definition.variables;
        options.platform = definition.platform;
        return options;
    }

    static void judge(const Error& error, CuratedStatus status, CuratedFinding& finding) {
        finding.detail = first_line(error.message());
        switch (error.kind()) {
            case ErrorKind::Cancelled:
            case ErrorKind::Bug:
                throw Error(error);
            case ErrorKind::Transient:
            case ErrorKind::Unauthorized:
                finding.result = CuratedResult::Unknown;
                break;
            case ErrorKind::Unsatisfiable:
                finding.result = status == CuratedStatus::Unsatisfiable ? CuratedResult::Refused : CuratedResult::Wrong;
                break;
            case ErrorKind::NotFound:
                finding.result = status == CuratedStatus::Current ? CuratedResult::Wrong : CuratedResult::Gone;
                break;
            default:
                finding.result = CuratedResult::Wrong;
        }
        if (finding.result == CuratedResult::Wrong || finding.result == CuratedResult::Unknown) finding.error = error;
    }

    CuratedDepth depth_;
    const Workbench& bench_;
    catalog::BaseImageCatalog catalog_;
    std::shared_ptr<cache::ImageRepository> repository_;
    BaseImages bases_;
};

}  // namespace

std::string_view to_string(CuratedResult result) {
    static constexpr std::array<std::string_view, 6> kNames = {"parses", "resolves", "refused",
                                                               "gone",   "wrong",    "unknown"};
    return kNames.at(static_cast<std::size_t>(result));
}

std::vector<CuratedFinding> check_curated(const catalog::CuratedSet& set, const std::vector<std::string>& names,
                                          CuratedDepth depth, const Workbench& bench) {
    const auto selection = CuratedSelection::of(set, names);
    Checker checker(depth, bench);
    std::vector<CuratedFinding> findings;
    for (const auto& environment : set.environments) {
        for (const auto& version : environment.versions) {
            if (!selection.wants(environment.name, version.definition.version)) continue;
            bench.cancel().throw_if_cancelled();
            findings.push_back(checker.check(environment, version));
        }
    }
    for (const auto& fault : set.faults) {
        if (!selection.wants(fault.name, "")) continue;
        CuratedFinding finding;
        finding.name = fault.name;
        finding.result = CuratedResult::Wrong;
        finding.detail = first_line(fault.error.message());
        finding.error = fault.error;
        findings.push_back(std::move(finding));
    }
    return findings;
}

int exit_code(const std::vector<CuratedFinding>& findings) {
    const auto rank = [](int code) {
        switch (code) {
            case 0:
                return 0;
            case 4:
                return 1;
            case 5:
                return 3;
            case 2:
                return 4;
            default:
                return 2;
        }
    };
    int worst = 0;
    for (const auto& finding : findings) {
        if (!finding.error) continue;
        const int code = finding.result == CuratedResult::Unknown ? envbuild::exit_code(ErrorKind::Transient)
                                                                  : envbuild::exit_code(finding.error->kind());
        if (rank(code) > rank(worst)) worst = code;
    }
    return worst;
}

}  // namespace envbuild::build
