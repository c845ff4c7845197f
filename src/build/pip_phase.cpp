#include "build/pip_phase.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.hpp"
#include "build/context_body.hpp"
#include "build/docker_builder.hpp"
#include "build/pip_report.hpp"
#include "conda/version.hpp"
#include "layer/tar_parser.hpp"

namespace envbuild::build {

namespace {

constexpr std::string_view kFolder = "/envbuild-pip";

// The index as it is asked: the configured mirror, with the credential for its origin. Goes into the container's own
// pip.conf only.
std::string wire_index(const std::string& canonical, const Workbench& bench) {
    const auto trimmed = canonical.ends_with('/') ? canonical.substr(0, canonical.size() - 1) : canonical;
    std::string asked = canonical;
    for (const auto& [index, mirrors] : bench.settings().index_mirrors) {
        if ((index == trimmed || index == trimmed + "/") && !mirrors.empty()) asked = mirrors.front();
    }
    const auto url = value_or_throw(Url::parse(asked));
    const auto credential = bench.http().credentials().find(url);
    if (!credential || !credential->basic) return url.to_string();
    const auto text = url.to_string();
    const auto host = text.find("://") + 3;
    return text.substr(0, host) + percent_encode(credential->basic->user) + ":" +
           percent_encode(credential->basic->password.reveal()) + "@" + text.substr(host);
}

std::string pip_conf(const pypi::IndexOptions& indexes, const Workbench& bench) {
    std::string conf = "[global]\n";
    const auto lines = [&](std::string_view key, const std::vector<std::string>& values) {
        if (!values.empty()) conf += fmt::format("{} = {}\n", key, join(values, "\n    "));
    };
    std::vector<std::string> urls;
    urls.reserve(indexes.index_urls.size());
    for (const auto& index : indexes.index_urls) urls.push_back(wire_index(index, bench));
    if (indexes.no_index) conf += "no-index = true\n";
    if (!urls.empty() && !indexes.no_index) {
        conf += fmt::format("index-url = {}\n", urls.front());
        lines("extra-index-url", {urls.begin() + 1, urls.end()});
    }
    std::vector<std::string> trusted = indexes.trusted_hosts;
    for (const auto& text : urls) {
        const auto url = value_or_throw(Url::parse(text));
        if (url.scheme() == "http") trusted.push_back(url.host());
    }
    lines("find-links", indexes.find_links);
    lines("trusted-host", trusted);
    if (indexes.pre) conf += "pre = true\n";
    if (indexes.prefer_binary) conf += "prefer-binary = true\n";
    lines("no-binary", indexes.no_binary);
    lines("only-binary", indexes.only_binary);
    return conf;
}

void check_lines(const spec::EnvironmentSpec& spec) {
    for (const auto& line : spec.pip) {
        using Kind = pypi::RequirementLine::Kind;
        if (line.kind != Kind::Vcs && line.kind != Kind::Local) continue;
        throw Error(
            ErrorKind::InvalidInput,
            fmt::format("pip requirement '{}' is {}, which has no file that could be pinned by sha256 before the build",
                        line.canonical(), line.kind == Kind::Vcs ? "a repository" : "a local path"))
            .with_hint(
                "build a wheel of it, put it on an index or a web server, and name that; docs/limits.md says what will "
                "come");
    }
}

void check_pip(const lock::Lock& lock) {
    const auto named = [&](std::string_view name) {
        return std::ranges::find_if(lock.conda, [&](const auto& record) { return record.name == name; });
    };
    if (named("python") == lock.conda.end()) {
        throw Error(ErrorKind::InvalidInput, "the file has pip requirements but its conda packages bring no python")
            .with_hint("add python to dependencies");
    }
    const auto pip = named("pip");
    if (pip == lock.conda.end()) {
        throw Error(ErrorKind::InvalidInput, "the file has pip requirements but its conda packages bring no pip")
            .with_hint("add pip to dependencies");
    }
    // `pip install --report` says what pip would choose without installing it; it came with 22.2.
    if (pip->version < value_or_throw(conda::Version::parse("22.2"))) {
        throw Error(ErrorKind::InvalidInput,
                    fmt::format("pip {} cannot say which files it would choose", pip->version.to_string()))
            .with_hint("ask for pip>=22.2 in dependencies");
    }
}

// The one file in the tar stream that the engine answers with.
class OnlyFile final : public layer::TarVisitor {
  public:
    void entry(const layer::TarEntry&) override {}
    void data(std::string_view bytes) override { content.append(bytes); }
    void end() override {}
    std::string content;
};

class Phase {
  public:
    Phase(const ResolvedBase& base, const lock::Lock& lock, const Workbench& bench, Stages& stages)
        : bench_(bench), builder_(bench), engine_(builder_.connect()), prefix_(lock.prefix) {
        auto conda_only = lock;
        conda_only.pip.clear();
        conda_only.pip_requested.clear();
        const auto plan = make_plan(conda_only, base, bench, stages);
        image_ = builder_.build_only(plan, "envbuild-pip:" + plan.hash.hex().substr(0, 16), *engine_, stages);
    }

    // What pip says it would install.
    Json report(const std::vector<layer::ContextFile>& files, const std::vector<std::string>& arguments) {
        docker::ContainerSpec spec;
        spec.image = image_;
        spec.entrypoint.emplace();
        spec.command = {prefix_ + "/bin/python",
                        "-m",
                        "pip",
                        "install",
                        "--dry-run",
                        "--no-cache-dir",
                        "--report",
                        fmt::format("{}/report.json", kFolder)};
        spec.command.insert(spec.command.end(), arguments.begin(), arguments.end());
        spec.env = {fmt::format("PIP_CONFIG_FILE={}/pip.conf", kFolder), "PIP_DISABLE_PIP_VERSION_CHECK=1",
                    "PIP_NO_INPUT=1", "PIP_ROOT_USER_ACTION=ignore"};
        spec.working_dir = kFolder;
        spec.user = "0";
        spec.network_mode = bench_.settings().pip_network;
        auto container = engine_->create_container(spec);
        container.put_archive("/", std::make_shared<ContextBody>(files));
        container.start();
        std::string tail;
        container.follow_output([&](docker::OutputStream stream, std::string_view bytes) {
            if (stream == docker::OutputStream::Stderr) tail.append(bytes);
            if (tail.size() > 8192) tail.erase(0, tail.size() - 8192);
            for (const auto line : split(bytes, '\n')) {
                if (!trim(line).empty()) bench_.reporter().log(redact(line));
            }
        });
        if (const int code = container.wait(); code != 0) throw failure(code, redact(tail));
        OnlyFile file;
        layer::TarParser parser(file);
        container.get_archive(fmt::format("{}/report.json", kFolder),
                              [&](std::string_view bytes) { parser.feed(bytes); });
        parser.finish();
        return value_or_throw(Json::parse(file.content));
    }

  private:
    static Error failure(int code, const std::string& said) {
        std::string errors;
        for (const auto line : split(said, '\n')) {
            if (line.find("ERROR") != std::string_view::npos || line.find("error:") != std::string_view::npos)
                errors += "\n" + std::string(trim(line));
        }
        if (errors.empty()) errors = "\n" + said;
        const auto says = [&](std::string_view words) { return said.find(words) != std::string::npos; };
        if (says("NewConnectionError") || says("Connection refused") || says("Max retries exceeded") ||
            says("Read timed out") || says("Name or service not known")) {
            return Error(ErrorKind::Transient, "pip could not reach the package index:" + errors)
                .with_hint(
                    "check the index URL, and pip_network if the container reaches another network than this machine "
                    "does");
        }
        if (says("No matching distribution") || says("ResolutionImpossible") || says("Could not find a version") ||
            says("conflict")) {
            return Error(ErrorKind::Unsatisfiable, "pip finds no files for the pip section:" + errors);
        }
        return {ErrorKind::BuildFailed, fmt::format("pip ended with exit code {}:{}", code, errors)};
    }

    const Workbench& bench_;
    DockerBuilder builder_;
    std::unique_ptr<docker::Engine> engine_;
    std::string prefix_, image_;
};

}  // namespace

void choose_pip_files(const Intent& intent, const ResolvedBase& base, lock::Lock& lock, const Workbench& bench,
                      Stages& stages) {
    const auto& spec = intent.spec();
    check_lines(spec);
    check_pip(lock);
    std::string requirements;
    for (const auto& line : spec.pip) {
        lock.pip_requested.push_back(line.canonical());
        requirements += line.canonical() + "\n";
    }
    std::ranges::sort(lock.pip_requested);
    const auto in_folder = [](std::string_view name, std::string text, std::uint32_t mode) {
        return layer::ContextFile{fmt::format("{}/{}", kFolder.substr(1), name), std::move(text), {}, mode};
    };
    const std::vector<layer::ContextFile> files{
        in_folder("requirements.txt", requirements, 0644),
        in_folder("constraints.txt", join(spec.pip_constraints, "\n") + "\n", 0644),
        in_folder("pip.conf", pip_conf(spec.indexes, bench), 0600)};
    Phase phase(base, lock, bench, stages);
    const auto progress = bench.reporter().start("Asking pip which files it would take", Reporter::Unit::Items, 0);
    lock.pip =
        value_or_throw(read_pip_report(phase.report(files, {"-r", "requirements.txt", "-c", "constraints.txt"})));
    if (std::ranges::all_of(lock.pip, &lock::PipPackage::is_wheel)) return;

    // Source archives are built in the image without network: what builds them is pinned with them.
    for (auto& tool :
         value_or_throw(read_pip_report(phase.report(files, {"--ignore-installed", "setuptools", "wheel"})))) {
        const bool present =
            std::ranges::any_of(lock.pip, [&](const auto& package) { return package.name == tool.name; });
        if (present) continue;
        tool.build_only = true;
        lock.pip.push_back(std::move(tool));
    }
    std::ranges::sort(lock.pip, {}, &lock::PipPackage::name);
}

}  // namespace envbuild::build
