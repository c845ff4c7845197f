#include "spec/spec_support.hpp"

namespace envbuild::spec::test {

const SourceAccess& named_sources() {
    static const NamedSources kSources;
    return kSources;
}

ReadOptions plain_options() {
    ReadOptions options;
    options.sources = &named_sources();
    return options;
}

ReadResult read(std::string_view text, ReadOptions options) {
    return read_environment_text(text, "env.yml", "/project", options);
}

std::string hash_of(std::string_view text, ReadOptions options) {
    try {
        return read(text, std::move(options)).spec.hash().hex();
    } catch (const Error& error) {
        return "refused: " + error.to_string();
    }
}

std::string refusal(std::string_view text, ReadOptions options) {
    try {
        static_cast<void>(read(text, std::move(options)));
        return "taken";
    } catch (const Error& error) {
        return error.to_string();
    }
}

std::string warnings(std::string_view text, ReadOptions options) {
    std::string out;
    for (const auto& warning : read(text, std::move(options)).warnings) out += warning.to_string() + "\n";
    return out;
}

}  // namespace envbuild::spec::test
