// envbuild-install: makes an environment in an image's install stage. See link/install_manifest.hpp for what it is
// told.
#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "install/installer.hpp"

namespace {

constexpr std::string_view kUsage =
    "usage: envbuild-install --manifest FILE --packages FOLDER [--root FOLDER] [--prefix PATH] [--threads N] [-v]\n"
    "\n"
    "Checks and links the packages that the manifest lists into an environment.\n"
    "  --manifest FILE    install.json, as envbuild writes it\n"
    "  --packages FOLDER  holds the package files\n"
    "  --root FOLDER      the file system to install into (default /)\n"
    "  --prefix PATH      where in it (default: as the manifest says)\n"
    "  --threads N        at most so many at a time (default: one a core)\n"
    "  -v, --verbose      a line for each package\n";

[[noreturn]] void usage_error(std::string_view what) {
    throw envbuild::Error(envbuild::ErrorKind::InvalidInput, std::string(what))
        .with_hint("envbuild-install --help tells how to use it");
}

envbuild::install::Options parse(const std::vector<std::string>& arguments) {
    envbuild::install::Options options;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& argument = arguments[i];
        const auto value = [&]() -> const std::string& {
            if (i + 1 == arguments.size()) usage_error(argument + " needs a value");
            return arguments[++i];
        };
        if (argument == "--manifest") {
            options.manifest = value();
        } else if (argument == "--packages") {
            options.packages = value();
        } else if (argument == "--root") {
            options.root = value();
        } else if (argument == "--prefix") {
            options.prefix = value();
        } else if (argument == "--threads") {
            const std::string& text = value();
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), options.threads);
            if (error != std::errc() || end != text.data() + text.size()) usage_error("--threads needs a number");
        } else if (argument == "-v" || argument == "--verbose") {
            options.verbose = true;
        } else {
            usage_error("unknown argument " + argument);
        }
    }
    if (options.manifest.empty() || options.packages.empty()) usage_error("--manifest and --packages are needed");
    if (!options.root.is_absolute()) options.root = std::filesystem::absolute(options.root);
    return options;
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    try {
        if (arguments.size() == 1 && (arguments[0] == "--help" || arguments[0] == "-h")) {
            std::fputs(std::string(kUsage).c_str(), stdout);
            return 0;
        }
        envbuild::install::Installer(parse(arguments)).run();
        return 0;
    } catch (const envbuild::Error& error) {
        std::fprintf(stderr, "envbuild-install: error: %s\n", error.to_string().c_str());
        return envbuild::exit_code(error.kind());
    } catch (const std::exception& error) {
        std::fprintf(stderr, "envbuild-install: error: %s\n", error.what());
        return envbuild::exit_code(envbuild::ErrorKind::Io);
    }
}
