#include "build/intent.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace envbuild::build {

namespace {

spec::ReadOptions read_options(const IntentOptions& options, const Workbench& bench) {
    const auto& settings = bench.settings();
    spec::ReadOptions read;
    if (!options.platform.empty()) read.platform = value_or_throw(conda::Platform::parse(options.platform));
    read.cancel = bench.cancel();
    read.channels = options.channels;
    read.variables = options.variables;
    read.gpu.wanted = options.gpu || !options.cuda.empty();
    read.gpu.cuda = options.cuda;
    // What conda's overrides and the site's settings say decides bytes as much as the command line does, so it counts
    // for the hash in the same place.
    const auto first = [](const std::string& asked, const std::optional<std::string>& overridden,
                          const std::string& configured) {
        return !asked.empty() ? asked : overridden.value_or(configured);
    };
    read.gpu.target_cuda = first(options.target_cuda, bench.env().get_nonempty("CONDA_OVERRIDE_CUDA"),
                                 read.gpu.wanted ? settings.target_cuda : std::string());
    read.gpu.target_cpu =
        first(options.target_cpu, bench.env().get_nonempty("CONDA_OVERRIDE_ARCHSPEC"), settings.target_cpu);
    read.base_image = !options.base.empty() ? options.base : read.gpu.wanted ? settings.base_gpu : settings.base_cpu;
    read.python = options.python;
    read.env = bench.env();
    read.channel_settings = bench.channel_settings();
    return read;
}

}  // namespace

Intent read_intent(const IntentOptions& options, const Workbench& bench) {
    auto result = spec::read_environment(options.file, read_options(options, bench));
    for (const auto& warning : result.warnings) bench.reporter().warn(warning.to_string());
    const auto& subdir = result.spec.platform.to_string();
    if (!result.platforms.empty() && std::ranges::find(result.platforms, subdir) == result.platforms.end()) {
        throw Error(ErrorKind::InvalidInput, fmt::format("{}: its platforms do not include {}", result.file, subdir))
            .with_hint(
                fmt::format("choose one of them with --platform, such as --platform {}", result.platforms.front()));
    }
    bench.learn_credentials(result.credentials);
    for (const auto& index : result.spec.indexes.index_urls) {
        if (const auto url = Url::parse(index)) bench.learn_index_credential(*url);
    }
    Intent intent{std::move(result), {}};
    intent.hash = intent.read.spec.hash();
    return intent;
}

spec::LintReport lint_intent(const IntentOptions& options, const Workbench& bench) {
    return spec::lint_environment(options.file, read_options(options, bench));
}

}  // namespace envbuild::build
