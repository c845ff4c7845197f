#include "catalog/framework_advice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <set>
#include <tuple>

#include "base/strings.hpp"
#include "pypi/requirement_line.hpp"

namespace envbuild::catalog {

namespace {

std::string major_of(std::string_view version) {
    return std::string(version.substr(0, version.find('.')));
}

// The packages of a manager, for a slip of the pen.
std::vector<std::string> packages_of(const CudaCompat& table, std::string_view manager) {
    std::set<std::string> names;
    for (const auto& row : table.frameworks()) {
        if (row.manager == manager) names.insert(row.package);
    }
    return {names.begin(), names.end()};
}

class Adviser {
  public:
    Adviser(const BaseImageCatalog& catalog, const std::vector<FrameworkAsk>& asks, const std::string& platform)
        : catalog_(catalog), platform_(platform) {
        for (const auto& ask : asks) answer_.facts.push_back(facts_of(ask));
        choose_as_build_does(asks);
    }

    FrameworkAnswer take() {
        common_pythons();
        if (first_loading() != nullptr) {
            suggest_for_loading();
        } else {
            suggest_slim();
        }
        return std::move(answer_);
    }

  private:
    [[nodiscard]] const CudaCompat& table() const { return catalog_.cuda(); }

    FrameworkFacts facts_of(const FrameworkAsk& ask) const {
        FrameworkFacts facts;
        facts.ask = ask;
        const auto* row = row_of(ask);
        if (row == nullptr) return silent(ask);
        facts.loads_base = row->loads_base;
        facts.pythons = row->pythons;
        facts.source = row->source;
        facts.source_text = table().source(row->source);
        facts.date = row->date;
        // With the extra that brings CUDA along a package is still built for the CUDA that it would load from the base.
        const auto plain = ask.package.substr(0, ask.package.find('['));
        const auto* built = row;
        if (row->builds.empty() && plain != ask.package) {
            const auto* other = table().find(ask.manager, plain, ask.version);
            if (other != nullptr) built = other;
            facts.pythons = built->pythons;
        }
        add_builds(facts, *built);
        if (facts.builds.empty())
            facts.note = fmt::format("the table does not say for which CUDA {} was built", ask.text);
        return facts;
    }

    // By an extra that the table knows, else by the package.
    [[nodiscard]] const FrameworkRow* row_of(const FrameworkAsk& ask) const {
        const auto open = ask.package.find('[');
        if (open == std::string::npos) return table().find(ask.manager, ask.package, ask.version);
        const auto plain = ask.package.substr(0, open);
        const auto extras = ask.package.substr(open + 1, ask.package.size() - open - 2);
        for (const auto extra : split(extras, ',')) {
            if (const auto* row = table().find(ask.manager, fmt::format("{}[{}]", plain, extra), ask.version))
                return row;
        }
        return table().find(ask.manager, plain, ask.version);
    }

    void add_builds(FrameworkFacts& facts, const FrameworkRow& built) const {
        for (std::size_t i = 0; i < built.builds.size(); ++i) {
            const auto text = built.builds[i] == "=" ? facts.ask.version : built.builds[i];
            const auto cuda = CudaVersion::parse(text);
            if (!cuda || text.empty()) continue;
            CudaBuild build;
            build.cuda = text;
            build.cudnn = built.cudnns.empty() ? built.cudnn : built.cudnns[i];
            build.min_driver = table().min_driver(*cuda);
            const auto major = table().min_driver(*cuda, true);
            // Of the first toolkit of a major version the own driver is the older one.
            if (compare_drivers(major, build.min_driver) < 0) build.min_driver_major = major;
            facts.builds.push_back(std::move(build));
        }
    }

    // What is known of the package under another version or manager.
    FrameworkFacts silent(const FrameworkAsk& ask) const {
        std::vector<std::string> versions;
        for (const auto& row : table().frameworks()) {
            if (row.manager == ask.manager && row.package == ask.package) versions.push_back(row.version);
        }
        if (!versions.empty()) {
            throw Error(ErrorKind::NotFound,
                        ask.version.empty()
                            ? fmt::format("{} names no version, and what it needs depends on that", ask.text)
                            : fmt::format("the table has no row for {} {} ({})", ask.package, ask.version, ask.manager))
                .with_hint(fmt::format("it knows {} {}{}", ask.package, join(versions, ", "), gpu_twin(ask)));
        }
        const auto in_pip = packages_of(table(), "pip");
        if (ask.manager == "conda" && std::ranges::find(in_pip, ask.package) != in_pip.end()) {
            FrameworkFacts facts;
            facts.ask = ask;
            facts.source = "conda-forge";
            facts.source_text = table().source("conda-forge");
            facts.note = fmt::format(
                "conda's packages bring their CUDA along (cudatoolkit, or cuda-* from 12 on): which one, the solver "
                "decides by the node's driver (--target-cuda)");
            return facts;
        }
        const auto known = packages_of(table(), ask.manager);
        const auto near = nearest(ask.package, known);
        throw Error(ErrorKind::NotFound, fmt::format("the table knows no {} package '{}'{}", ask.manager, ask.package,
                                                     near.empty() ? "" : "; did you mean '" + near + "'?"))
            .with_hint(fmt::format("it knows {}; others bring what they need, or need no CUDA", join(known, ", ")));
    }

    // Before 2.0 (and beside it for a while) TensorFlow for the GPU was a package of its own.
    [[nodiscard]] std::string gpu_twin(const FrameworkAsk& ask) const {
        const auto twin = ask.package + "-gpu";
        const bool known = !ask.version.empty() && table().find(ask.manager, twin, ask.version) != nullptr;
        return known ? fmt::format("; for the GPU there is {}=={}", twin, ask.version) : std::string();
    }

    // The rules of a build decide which image is right, and which packages contradict each other.
    void choose_as_build_does(const std::vector<FrameworkAsk>& asks) {
        spec::EnvironmentSpec spec;
        spec.gpu.wanted = true;
        spec.platform = value_or_throw(conda::Platform::parse(platform_));
        for (const auto& ask : asks) {
            if (ask.manager == "conda") {
                spec.conda.push_back(value_or_throw(
                    conda::MatchSpec::parse(ask.version.empty() ? ask.package : ask.package + "=" + ask.version)));
            } else {
                const auto pin = ask.version.empty() ? std::string() : "==" + ask.version;
                spec.pip.push_back(value_or_throw(pypi::parse_requirement(ask.package + pin)));
            }
        }
        auto choice = catalog_.choose(spec);
        if (choice) {
            choice_ = std::move(*choice);
            answer_.build_takes = choice_.image;
            return;
        }
        // A build takes runtime images alone; another flavour may still have what is asked for.
        if (choice.error().kind() != ErrorKind::InvalidInput || first_loading() == nullptr) throw choice.error();
        no_choice_ = choice.error();
    }

    void common_pythons() {
        const FrameworkFacts* first = nullptr;
        for (const auto& facts : answer_.facts) {
            if (facts.pythons.empty()) continue;
            if (first == nullptr) {
                first = &facts;
                answer_.pythons = facts.pythons;
                continue;
            }
            std::vector<std::string> common;
            for (const auto& python : *answer_.pythons) {
                if (std::ranges::find(facts.pythons, python) != facts.pythons.end()) common.push_back(python);
            }
            if (common.empty()) {
                throw Error(ErrorKind::Unsatisfiable,
                            fmt::format("no Python has both: {} is for Python {}, {} for {}", first->ask.text,
                                        join(first->pythons, ", "), facts.ask.text, join(facts.pythons, ", ")))
                    .with_hint("change one of the two versions");
            }
            answer_.pythons = std::move(common);
        }
    }

    [[nodiscard]] const FrameworkFacts* first_loading() const {
        for (const auto& facts : answer_.facts) {
            if (facts.loads_base) return &facts;
        }
        return nullptr;
    }

    [[nodiscard]] bool is_for_platform(const BaseImageEntry& entry) const {
        return std::ranges::find(entry.platforms, platform_) != entry.platforms.end();
    }

    static std::string driver_text(const std::string& own, const std::string& major) {
        if (own.empty()) return "";
        // Of the first toolkit of a major version the own driver is the older one.
        const bool older = !major.empty() && compare_drivers(major, own) < 0;
        return older ? fmt::format("; driver {} or newer, {} with minor version compatibility", own, major)
                     : fmt::format("; driver {} or newer", own);
    }
    [[nodiscard]] std::string driver_text(const BaseImageEntry& entry) const {
        return driver_text(entry.min_driver, table().min_driver(value_or_throw(CudaVersion::parse(entry.cuda)), true));
    }

    // The build of a framework that an image has the CUDA for; null where it has not.
    static const CudaBuild* build_on(const FrameworkFacts& facts, const BaseImageEntry& entry) {
        if (entry.cuda.empty()) return nullptr;
        const auto cuda = value_or_throw(CudaVersion::parse(entry.cuda));
        for (const auto& build : facts.builds) {
            if (cuda.fits(value_or_throw(CudaVersion::parse(build.cuda)))) return &build;
        }
        return nullptr;
    }

    // cuDNN: the same major version, not an older minor one. What is not said does.
    static bool has_cudnn(const BaseImageEntry& entry, const std::string& wanted) {
        if (wanted.empty()) return true;
        const auto has = split(entry.cudnn, '.');
        const auto asked = split(wanted, '.');
        if (has[0] != asked[0]) return false;
        return has.size() < 2 || asked.size() < 2 || compare_drivers(has[1], asked[1]) >= 0;
    }

    [[nodiscard]] std::vector<const FrameworkFacts*> loading() const {
        std::vector<const FrameworkFacts*> found;
        for (const auto& facts : answer_.facts) {
            if (facts.loads_base) found.push_back(&facts);
        }
        return found;
    }

    [[nodiscard]] bool cudnn_fits(const BaseImageEntry& entry) const {
        return std::ranges::all_of(loading(),
                                   [&](const auto* facts) { return has_cudnn(entry, build_on(*facts, entry)->cudnn); });
    }

    [[nodiscard]] std::string loading_reason(const BaseImageEntry& entry) const {
        std::vector<std::string> needs;
        for (const auto* facts : loading()) {
            const auto* build = build_on(*facts, entry);
            needs.push_back(fmt::format("{} loads CUDA {}{} from its base image", facts->ask.text, build->cuda,
                                        build->cudnn.empty() ? "" : " and cuDNN " + build->cudnn));
        }
        auto reason = join(needs, ", ") + fmt::format("; this has cuDNN {}", entry.cudnn);
        if (!cudnn_fits(entry)) reason += ", which does not fit";
        if (entry.flavor == "devel") reason += "; with compilers, which running needs not";
        return reason + driver_text(entry);
    }

    // It loads libcudart and cuDNN of the base: images with both, the one that a build takes first among equals.
    void suggest_for_loading() {
        const auto* taken = catalog_.find(choice_.image);
        const auto frameworks = loading();
        std::vector<const BaseImageEntry*> fitting;
        for (const auto& entry : catalog_.images()) {
            const bool has_cuda =
                std::ranges::all_of(frameworks, [&](const auto* facts) { return build_on(*facts, entry) != nullptr; });
            if (has_cuda && !entry.cudnn.empty() && is_for_platform(entry)) fitting.push_back(&entry);
        }
        if (fitting.empty() && no_choice_) throw Error(*no_choice_);
        std::ranges::stable_sort(fitting, std::greater<>(), [&](const auto* entry) {
            return std::tuple(cudnn_fits(*entry), entry == taken, !entry->deprecated, entry->flavor == "runtime");
        });
        for (const auto* entry : fitting) answer_.suggestions.push_back({entry, loading_reason(*entry), ""});
        note_cudnn(fitting, taken);
        for (const auto& facts : answer_.facts) {
            if (!facts.loads_base)
                answer_.notes.push_back(
                    fmt::format("{} brings its own CUDA, and does not mind that of the base", facts.ask.text));
        }
        if (!fitting.empty() && fitting.front()->deprecated)
            answer_.notes.push_back(fitting.front()->image +
                                    " is no longer supported by its publisher: copy it while it is there, with "
                                    "envbuild bases mirror");
    }

    void note_cudnn(const std::vector<const BaseImageEntry*>& fitting, const BaseImageEntry* taken) {
        if (fitting.empty()) return;
        const auto& first = *loading().front();
        if (!cudnn_fits(*fitting.front())) {
            const auto* build = build_on(first, *fitting.front());
            answer_.notes.push_back(fmt::format(
                "no image of the catalogue has CUDA {} with cuDNN {} or a newer {}: {} may not find its libraries "
                "there. A package with its own CUDA avoids the question, as tensorflow[and-cuda] does",
                build->cuda, build->cudnn, major_of(build->cudnn), first.ask.text));
        } else if (taken == nullptr || taken != fitting.front()) {
            answer_.notes.push_back(
                fmt::format("a build does not take {} by itself: name it with --base", fitting.front()->image));
        }
    }

    // The image of a flavour with this CUDA: still supported, the newest patch, the default's system.
    [[nodiscard]] const BaseImageEntry* best(const CudaVersion& cuda, std::string_view flavor) const {
        const auto rank = [](const BaseImageEntry& entry) {
            return std::tuple(!entry.deprecated, value_or_throw(CudaVersion::parse(entry.cuda)),
                              entry.os == "ubuntu22.04", entry.os, entry.image);
        };
        const BaseImageEntry* best = nullptr;
        for (const auto& entry : catalog_.images()) {
            if (entry.flavor != flavor || !entry.mpi.empty() || !is_for_platform(entry)) continue;
            if (flavor == "runtime" && entry.cudnn.empty()) continue;
            if (!value_or_throw(CudaVersion::parse(entry.cuda)).fits(cuda)) continue;
            if (best == nullptr || rank(entry) > rank(*best)) best = &entry;
        }
        return best;
    }

    // Nothing loads the base's CUDA: the flavour without CUDA libraries does, and says the CUDA that the driver must
    // have. Of several builds the newest first, as pip and conda prefer it; an image older than what is no longer
    // supported goes last.
    void suggest_slim() {
        const auto* framework = most_builds();
        const auto builds = framework == nullptr ? std::vector<CudaBuild>() : framework->builds;
        for (const bool deprecated : {false, true}) {
            for (auto build = builds.rbegin(); build != builds.rend(); ++build) {
                const auto* entry = best(value_or_throw(CudaVersion::parse(build->cuda)), "base");
                if (entry == nullptr || entry->deprecated != deprecated) continue;
                const auto* larger = best(value_or_throw(CudaVersion::parse(entry->cuda)), "runtime");
                answer_.suggestions.push_back(
                    {entry,
                     fmt::format("{} brings CUDA {}{} along, so the base needs no CUDA libraries{}",
                                 framework->ask.text, build->cuda,
                                 build->cudnn.empty() ? "" : " and cuDNN " + build->cudnn,
                                 driver_text(build->min_driver, build->min_driver_major)),
                     larger == nullptr ? "" : larger->image});
            }
        }
        for (const auto& build : builds) {
            if (best(value_or_throw(CudaVersion::parse(build.cuda)), "base") == nullptr)
                answer_.notes.push_back(
                    fmt::format("the catalogue has no base image with CUDA {}; any newer one does", build.cuda));
        }
        if (answer_.suggestions.empty()) {
            const auto* taken = catalog_.find(choice_.image);
            const auto* slim =
                taken == nullptr ? nullptr : best(value_or_throw(CudaVersion::parse(taken->cuda)), "base");
            if (slim != nullptr)
                answer_.suggestions.push_back(
                    {slim, "the packages bring their CUDA along, so the base needs no CUDA libraries", taken->image});
        }
    }

    // The framework whose builds speak for all: the first that says any.
    [[nodiscard]] const FrameworkFacts* most_builds() const {
        for (const auto& facts : answer_.facts) {
            if (!facts.builds.empty()) return &facts;
        }
        return nullptr;
    }

    const BaseImageCatalog& catalog_;
    std::string platform_;
    BaseChoice choice_;
    std::optional<Error> no_choice_;
    FrameworkAnswer answer_;
};

Json text_or_null(const std::string& text) {
    return text.empty() ? Json() : Json(text);
}

}  // namespace

Expected<FrameworkAsk> FrameworkAsk::parse(std::string_view text) {
    const auto bad = [&](std::string_view why) {
        return std::unexpected(Error(ErrorKind::InvalidInput, fmt::format("--for {}: {}", json_quote(text), why))
                                   .with_hint("write it as torch==2.1, tensorflow==2.4.0 or conda:pytorch=2.1"));
    };
    FrameworkAsk ask;
    ask.text = trim(text);
    std::string rest = ask.text;
    ask.manager = "pip";
    for (const std::string manager : {"pip", "conda"}) {
        if (rest.starts_with(manager + ":")) {
            ask.manager = manager;
            rest = std::string(trim(std::string_view(rest).substr(manager.size() + 1)));
        }
    }
    const auto end = rest.find_first_of("=<>!~ ");
    ask.package = rest.substr(0, end);
    if (ask.package.empty()) return bad("a package is missing");
    std::string version = end == std::string::npos ? "" : std::string(trim(std::string_view(rest).substr(end)));
    if (version.find_first_of("<>!~,|") != std::string::npos) return bad("a range names no version");
    while (version.starts_with('=')) version.erase(0, 1);
    if (version.ends_with(".*")) version.resize(version.size() - 2);
    if (version.ends_with('*')) version.clear();
    ask.version = std::string(trim(version));
    if (ask.manager == "pip") {
        const auto line = pypi::parse_requirement(ask.package + (ask.version.empty() ? "" : "==" + ask.version));
        if (!line) return bad(line.error().message());
        ask.package = line->name;
        if (!line->extras.empty()) ask.package += "[" + join(line->extras, ",") + "]";
    } else if (auto spec = conda::MatchSpec::parse(ask.package + (ask.version.empty() ? "" : "=" + ask.version));
               !spec) {
        return bad(spec.error().message());
    }
    return ask;
}

Expected<FrameworkAnswer> advise(const BaseImageCatalog& catalog, const std::vector<FrameworkAsk>& asks,
                                 const std::string& platform) {
    try {
        return Adviser(catalog, asks, platform).take();
    } catch (Error& error) {
        return std::unexpected(std::move(error));
    }
}

Json FrameworkAnswer::to_json() const {
    Json frameworks = Json::array();
    for (const auto& fact : facts) {
        Json builds = Json::array();
        for (const auto& build : fact.builds) {
            builds.push(
                Json::object()
                    .set("cuda", build.cuda)
                    .set("cudnn", text_or_null(build.cudnn))
                    .set("min_driver", text_or_null(build.min_driver))
                    .set("min_driver_minor_compatible",
                         text_or_null(build.min_driver_major.empty() ? build.min_driver : build.min_driver_major)));
        }
        frameworks.push(Json::object()
                            .set("asked", fact.ask.text)
                            .set("manager", fact.ask.manager)
                            .set("package", fact.ask.package)
                            .set("version", text_or_null(fact.ask.version))
                            .set("cuda", fact.loads_base ? "base" : "bundled")
                            .set("builds", builds)
                            .set("python", fact.pythons.empty() ? Json() : Json(fact.pythons))
                            .set("note", text_or_null(fact.note))
                            .set("source", text_or_null(fact.source_text.empty() ? fact.source : fact.source_text))
                            .set("date", text_or_null(fact.date)));
    }
    Json images = Json::array();
    for (const auto& suggestion : suggestions) {
        images.push(Json::object()
                        .set("image", suggestion.entry->image)
                        .set("cuda", text_or_null(suggestion.entry->cuda))
                        .set("cudnn", text_or_null(suggestion.entry->cudnn))
                        .set("flavor", text_or_null(suggestion.entry->flavor))
                        .set("min_driver", text_or_null(suggestion.entry->min_driver))
                        .set("deprecated", suggestion.entry->deprecated)
                        .set("reason", suggestion.reason)
                        .set("instead_of", text_or_null(suggestion.instead_of)));
    }
    Json json = Json::object();
    json.set("frameworks", frameworks)
        .set("images", images)
        .set("build_takes", text_or_null(build_takes))
        .set("python", pythons ? Json(*pythons) : Json())
        .set("notes", notes);
    return json;
}

}  // namespace envbuild::catalog
