#include "build/pip_container.hpp"

#include <fmt/format.h>

#include "base/strings.hpp"
#include "build/context_body.hpp"
#include "docker/text_lines.hpp"
#include "layer/tar_parser.hpp"

namespace envbuild::build {

namespace {

constexpr std::size_t kMaxTail = 8192;

// The one file in the tar stream that the engine answers with.
class OnlyFile final : public layer::TarVisitor {
  public:
    void entry(const layer::TarEntry&) override {}
    void data(std::string_view bytes) override { content.append(bytes); }
    void end() override {}
    std::string content;
};

Error failure(int code, const std::string& said) {
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
    Error error(ErrorKind::BuildFailed, fmt::format("pip ended with exit code {}:{}", code, errors));
    if (says("setuptools-scm was unable to detect version") || says("Unable to determine version")) {
        return std::move(error).with_hint(
            "the version is taken from the repository's history, which is not in the source that is built: write the "
            "version into the project, or build a wheel and name that");
    }
    return error;
}

}  // namespace

PipContainer::PipContainer(const ResolvedBase& base, const lock::Lock& lock, std::string pip_conf,
                           const Workbench& bench, Stages& stages)
    : bench_(bench),
      builder_(bench),
      engine_(builder_.connect()),
      prefix_(lock.prefix),
      pip_conf_(std::move(pip_conf)) {
    auto conda_only = lock;
    conda_only.pip.clear();
    conda_only.pip_requested.clear();
    const auto plan = make_plan(conda_only, base, bench, stages);
    image_ = builder_.build_only(plan, "envbuild-pip:" + plan.hash.hex().substr(0, 16), *engine_, stages);
}

layer::ContextFile PipContainer::text_file(std::string_view name, std::string text) {
    return {fmt::format("{}/{}", kFolder.substr(1), name), std::move(text), {}, 0644};
}

Json PipContainer::run(std::vector<layer::ContextFile> files, const std::vector<std::string>& arguments,
                       std::string_view result) {
    docker::ContainerSpec spec;
    spec.image = image_;
    spec.entrypoint.emplace();
    spec.command = {prefix_ + "/bin/python"};
    spec.command.insert(spec.command.end(), arguments.begin(), arguments.end());
    spec.env = {fmt::format("PIP_CONFIG_FILE={}/pip.conf", kFolder), "PIP_DISABLE_PIP_VERSION_CHECK=1",
                "PIP_NO_INPUT=1", "PIP_ROOT_USER_ACTION=ignore", "PIP_NO_CACHE_DIR=1"};
    spec.working_dir = kFolder;
    spec.user = "0";
    spec.network_mode = bench_.settings().pip_network;
    files.push_back(text_file("pip.conf", pip_conf_));
    files.back().mode = 0600;
    auto container = engine_->create_container(spec);
    container.put_archive("/", std::make_shared<ContextBody>(std::move(files)));
    container.start();
    std::string tail;
    docker::TextLines out;
    docker::TextLines err;
    // By whole lines: a secret that two chunks share would be seen in neither.
    const auto say = [&](const std::string& line) {
        if (!trim(line).empty()) bench_.reporter().log(redact(line));
    };
    const auto say_error = [&](const std::string& line) {
        tail += redact(line) + "\n";
        if (tail.size() > kMaxTail) tail.erase(0, tail.size() - kMaxTail);
        say(line);
    };
    container.follow_output([&](docker::OutputStream stream, std::string_view bytes) {
        if (stream == docker::OutputStream::Stderr) {
            err.feed(bytes, say_error);
        } else {
            out.feed(bytes, say);
        }
    });
    out.finish(say);
    err.finish(say_error);
    if (const int code = container.wait(); code != 0) throw failure(code, tail);
    OnlyFile file;
    layer::TarParser parser(file);
    container.get_archive(fmt::format("{}/{}", kFolder, result), [&](std::string_view bytes) { parser.feed(bytes); });
    parser.finish();
    return value_or_throw(Json::parse(file.content));
}

}  // namespace envbuild::build
