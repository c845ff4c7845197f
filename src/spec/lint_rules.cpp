#include "spec/lint_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/credential_name.hpp"
#include "base/strings.hpp"

namespace envbuild::spec {

namespace {

using pypi::RequirementLine;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

class Risks {
  public:
    Risks(Reading& reading, const ReadOptions& options) : reading_(reading), options_(options) {}

    void find() {
        platforms();
        channels();
        python();
        pins();
        gpu();
        pip();
        variables();
    }

  private:
    static constexpr std::size_t kNamed = 5;  // how many packages one warning names

    void warn(SourcePlace place, std::string message, std::string hint) {
        Diagnostic diagnostic{Diagnostic::Severity::Warning, std::move(place), std::move(message), std::move(hint), ""};
        if (reading_.root && diagnostic.place.file == reading_.file) {
            diagnostic.excerpt =
                caret_excerpt(reading_.root->source().line(diagnostic.place.line), diagnostic.place.column);
        }
        reading_.diagnostics.push_back(std::move(diagnostic));
    }
    [[nodiscard]] SourcePlace whole_file() const { return {reading_.file, 0, 0}; }
    [[nodiscard]] SourcePlace place_of(const LocatedSpec& spec) const {
        return spec.node ? spec.node->place() : whole_file();
    }

    [[nodiscard]] const LocatedSpec* find_conda(std::string_view name) const {
        const auto found =
            std::ranges::find_if(reading_.conda, [name](const auto& one) { return one.spec.name() == name; });
        return found == reading_.conda.end() ? nullptr : &*found;
    }

    static std::string listed(const std::vector<std::string>& names) {
        std::vector<std::string> first(names.begin(),
                                       names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), kNamed)));
        std::string text = join(first, ", ");
        if (names.size() > kNamed) text += fmt::format(" and {} more", names.size() - kNamed);
        return text;
    }

    void platforms() {
        if (reading_.platforms.empty() ||
            std::ranges::find(reading_.platforms, options_.platform.to_string()) != reading_.platforms.end())
            return;
        const YamlNode* node = reading_.root ? reading_.root->find("platforms") : nullptr;
        reading_.report(Diagnostic::Severity::Error, node != nullptr ? node->place() : whole_file(),
                        fmt::format("the file is not for {}", options_.platform.to_string()),
                        fmt::format("name one of its platforms, such as --platform {}", reading_.platforms.front()));
    }

    void channels() {
        const LocatedChannel* defaults = nullptr;
        const LocatedChannel* forge = nullptr;
        for (const auto& channel : reading_.channels) {
            if (channel.written == "defaults" || channel.written == "anaconda" || channel.written == "main")
                defaults = &channel;
            if (channel.channels.size() == 1 && channel.channels.front().name() == "conda-forge") forge = &channel;
        }
        if (defaults != nullptr && forge != nullptr) {
            const auto& later = defaults > forge ? *defaults : *forge;
            warn(later.node ? later.node->place() : whole_file(),
                 "conda-forge and defaults are mixed; their packages are built against different libraries",
                 "keep one of them, best conda-forge");
        }
        if (reading_.kind == FileKind::CondaEnvironment && reading_.root &&
            reading_.root->find("channels") == nullptr && options_.channels.empty()) {
            std::vector<std::string> names;
            for (const auto& channel : reading_.spec.channels) names.push_back(channel.name());
            warn(whole_file(),
                 fmt::format("the file names no channel; the configured ones are used ({})", listed(names)),
                 "name them, so that the file means the same everywhere");
        }
    }

    void python() {
        if (reading_.kind != FileKind::CondaEnvironment) return;
        const LocatedSpec* python = find_conda("python");
        if (python == nullptr) {
            if (!reading_.spec.pip.empty())
                warn(whole_file(),
                     "there is a pip section and no python among the dependencies; the newest Python is taken",
                     "add - python=3.11 or the like");
            return;
        }
        // "3.11.*" and ">=3.8,<3.13" speak of a minor version, "3.*" does not.
        const std::string version = python->spec.version().canonical();
        bool minor = false;
        for (std::size_t i = 0; i + 2 < version.size(); ++i) {
            minor |= is_digit(version[i]) && version[i + 1] == '.' && is_digit(version[i + 2]);
        }
        if (!minor) {
            warn(place_of(*python), "python is not pinned to a minor version",
                 "write python=3.11 or the like; most packages depend on it");
        }
    }

    void pins() {
        std::vector<std::string> loose;
        const LocatedSpec* first = nullptr;
        for (const auto& one : reading_.conda) {
            if (!one.node || one.spec.name() == "python" || one.spec.name() == "pip" || !one.spec.version().is_any() ||
                !one.spec.build().is_any())
                continue;
            if (first == nullptr) first = &one;
            loose.push_back(one.spec.name());
        }
        if (first != nullptr) {
            warn(place_of(*first),
                 fmt::format("{} conda package{} without a version: {}", loose.size(), loose.size() == 1 ? "" : "s",
                             listed(loose)),
                 "the first resolution stays the answer until --refresh; pin what the work depends on");
        }
        std::vector<std::string> loose_pip;
        std::optional<SourcePlace> place;
        for (std::size_t i = 0; i < reading_.spec.pip.size(); ++i) {
            const auto& line = reading_.spec.pip[i];
            if (line.kind != RequirementLine::Kind::Named || !line.specifier.empty()) continue;
            if (!place) place = reading_.pip_places[i];
            loose_pip.push_back(line.name);
        }
        if (place) {
            warn(*place,
                 fmt::format("{} pip package{} without a version: {}", loose_pip.size(),
                             loose_pip.size() == 1 ? "" : "s", listed(loose_pip)),
                 "the first resolution stays the answer until --refresh; pin what the work depends on");
        }
    }

    void gpu() {
        for (const auto& one : reading_.conda) {
            const std::string build = to_lower(one.spec.build().to_string());
            const bool gpu_only = one.spec.name() == "cudatoolkit" || one.spec.name() == "cudnn" ||
                                  one.spec.name() == "pytorch-cuda" || one.spec.name() == "cuda-version" ||
                                  build.find("cuda") != std::string::npos;
            const bool cpu_only = one.spec.name() == "cpuonly" || build.find("cpu") != std::string::npos;
            if (gpu_only && !options_.gpu.wanted) {
                warn(place_of(one), fmt::format("{} is for GPUs and no GPU was asked for", one.spec.to_string()),
                     "add --gpu, or remove it");
            }
            if (cpu_only && options_.gpu.wanted) {
                warn(place_of(one),
                     fmt::format("{} asks for the CPU build and --gpu for the GPU build; the file wins",
                                 one.spec.to_string()),
                     "remove it, or leave out --gpu");
            }
        }
        for (std::size_t i = 0; i < reading_.spec.pip.size(); ++i) {
            const auto& line = reading_.spec.pip[i];
            if (options_.gpu.wanted && line.specifier.find("+cpu") != std::string::npos) {
                warn(reading_.pip_places[i],
                     fmt::format("{}{} is a CPU build and --gpu was asked", line.name, line.specifier),
                     "name the build for CUDA, or leave out --gpu");
            }
        }
    }

    void pip() {
        std::map<std::string, SourcePlace> seen;
        for (std::size_t i = 0; i < reading_.spec.pip.size(); ++i) {
            const auto& line = reading_.spec.pip[i];
            const auto& place = reading_.pip_places[i];
            one_pip_line(line, place);
            if (line.name.empty()) continue;
            if (!seen.emplace(line.name, place).second) {
                warn(place, fmt::format("{} is listed twice for pip", line.name),
                     "remove one, unless markers keep them apart");
            }
            if (const LocatedSpec* conda = find_conda(line.name); conda != nullptr && line.name != "pip") {
                warn(place, fmt::format("{} comes from conda and from pip; pip's files replace conda's", line.name),
                     "remove one of the two");
            }
        }
        const auto& indexes = reading_.spec.indexes;
        for (const auto& host : indexes.trusted_hosts) {
            warn(whole_file(), fmt::format("--trusted-host {} switches off the check of its certificate", host),
                 "name the CA instead (SSL_CERT_FILE)");
        }
        if (indexes.index_urls.size() > 1) {
            warn(whole_file(),
                 "several package indexes: pip takes the highest version from any of them, also a stranger's of the "
                 "same name",
                 "name one index that has everything where you can");
        }
        for (const auto& url : indexes.index_urls) {
            if (url.starts_with("http://"))
                warn(whole_file(), fmt::format("the index {} is asked without encryption", url),
                     "use https where it is offered");
        }
    }

    void one_pip_line(const RequirementLine& line, const SourcePlace& place) {
        switch (line.kind) {
            case RequirementLine::Kind::Named:
                if (line.name == "python")
                    warn(place, "'python' is no package of pip's", "name Python's version for conda, or with --python");
                if (line.name == "sklearn") warn(place, "'sklearn' is a retired alias on PyPI", "write scikit-learn");
                break;
            case RequirementLine::Kind::DirectUrl:
                if (line.hashes.empty())
                    warn(place, "a URL without a hash: what it serves may change", "add --hash=sha256:… behind it");
                break;
            case RequirementLine::Kind::Vcs: {
                const auto at = line.url.path().rfind('@');
                const auto revision = at == std::string::npos ? "" : line.url.path().substr(at + 1);
                const bool commit =
                    revision.size() == 40 && revision.find_first_not_of("0123456789abcdef") == std::string::npos;
                if (!commit)
                    warn(place, "a repository without a commit: a branch or tag may move",
                         "write …@<40 hex digits of the commit>");
                if (line.editable)
                    warn(place, "an editable install needs its source folder at run time", "leave out -e");
                break;
            }
            case RequirementLine::Kind::Local:
                if (line.editable)
                    warn(place, "an editable install needs its source folder at run time",
                         "leave out -e: the package is then installed as a copy");
                if (line.path.starts_with('/'))
                    warn(place, fmt::format("{} is a path of this machine alone", line.path),
                         "write it relative to the file");
                break;
        }
    }

    void variables() {
        constexpr std::array<std::string_view, 6> kTaken = {"PATH",       "CONDA_PREFIX",    "PYTHONHOME",
                                                            "PYTHONPATH", "LD_LIBRARY_PATH", "LD_PRELOAD"};
        for (const auto& [name, value] : reading_.spec.variables) {
            const YamlNode* all = reading_.root ? reading_.root->find("variables") : nullptr;
            const YamlNode* node = all != nullptr ? all->find(name) : nullptr;
            const SourcePlace place = node != nullptr ? node->place() : whole_file();
            if (std::ranges::find(kTaken, name) != kTaken.end()) {
                warn(place, fmt::format("the variable {} changes how the environment itself is found", name),
                     "the image sets what it needs of it");
            }
            if (!value.empty() && names_credential(name)) {
                warn(place, fmt::format("the variable {} looks like a secret and would be readable in the image", name),
                     "give it to the container when it runs");
            }
        }
    }

    Reading& reading_;
    const ReadOptions& options_;
};

}  // namespace

void find_risks(Reading& reading, const ReadOptions& options) {
    Risks(reading, options).find();
}

}  // namespace envbuild::spec
