// Channels, variables and conda specs of an environment file.
#include <fmt/format.h>

#include <algorithm>

#include "base/shown.hpp"
#include "base/strings.hpp"
#include "pypi/expansion.hpp"
#include "spec/reading.hpp"

namespace envbuild::spec {

namespace {

// A channel's text with ${VAR} expanded. Nothing, with a diagnostic, where a variable outside a credential is unset.
std::optional<std::string> expand_channel(const std::string& text, const std::optional<YamlNode>& node,
                                          const ReadOptions& options, Reading& out) {
    const auto expansion = pypi::expand_variables(text, options.env);
    const auto report = [&](Diagnostic::Severity severity, const pypi::Expansion::Missing& missing,
                            const std::string& hint) {
        const std::string message = fmt::format("the variable {} is not set", missing.name);
        if (node) {
            out.diagnostics.push_back(node->diagnostic(severity, message, hint, static_cast<int>(missing.offset)));
        } else {
            out.report(severity, {"--channel", 0, 0}, message, hint);
        }
    };
    for (const auto& missing : expansion.unset) {
        report(Diagnostic::Severity::Error, missing,
               fmt::format("set {} in the environment of this command", missing.name));
    }
    for (const auto& missing : expansion.unset_credentials) {
        report(Diagnostic::Severity::Warning, missing, "the channel will be asked without it; the hash is the same");
    }
    if (!expansion.unset.empty()) return std::nullopt;
    return expansion.text;
}

void add_channel(const std::string& text, const std::optional<YamlNode>& node, const std::filesystem::path& directory,
                 const ReadOptions& options, Reading& out) {
    const auto expanded = expand_channel(text, node, options, out);
    if (!expanded) return;
    auto channels = conda::resolve_channel(*expanded, options.channel_settings, directory.string(), &out.credentials);
    if (!channels) {
        if (node) {
            out.error(*node, channels.error().message(), channels.error().hint());
        } else {
            out.report(Diagnostic::Severity::Error, {"--channel", 0, 0}, channels.error().message(),
                       channels.error().hint());
        }
        return;
    }
    for (const auto& channel : *channels) {
        if (std::ranges::find(out.spec.channels, channel) == out.spec.channels.end()) {
            out.spec.channels.push_back(channel);
        } else if (node && channels->size() == 1) {
            out.warn(*node, fmt::format("the channel {} is listed twice; the first place counts", channel.name()));
        }
    }
    out.channels.push_back({std::move(*channels), node, text});
}

}  // namespace

void read_channels(const YamlNode* node, const std::filesystem::path& directory, const ReadOptions& options,
                   Reading& out) {
    for (const auto& asked : options.channels) add_channel(asked, std::nullopt, directory, options, out);
    bool no_defaults = false;
    if (node != nullptr && !node->is_null() && !node->is_sequence()) {
        out.error(*node, fmt::format("channels is {} and should be a list", node->describe()),
                  "write '- conda-forge' lines below it");
        return;
    }
    if (node != nullptr && (node->is_null() || node->items().empty()))
        out.warn(*node, "channels is empty; the configured channels are used");
    if (node != nullptr) {
        for (const auto& item : node->items()) {
            if (!item.is_scalar()) {
                out.error(item, fmt::format("a channel is a text, not {}", item.describe()),
                          item.is_mapping() ? "a URL holds no space after ':'" : "");
            } else if (!template_mark(item.text()).empty()) {
                out.error(item, fmt::format("'{}' is a template that was never rendered", redact(item.text())),
                          "fill in what stands between the braces");
            } else if (item.text() == "nodefaults") {
                no_defaults = true;
            } else {
                add_channel(item.text(), item, directory, options, out);
                if (item.text() == "default")
                    out.warn(item, "'default' is a channel of its own on the server", "did you mean 'defaults'?");
            }
        }
    }
    if (!out.channels.empty() || !out.ok()) return;
    for (const auto& configured : options.channel_settings.configured_channels) {
        if (no_defaults && configured == "defaults") continue;
        add_channel(configured, std::nullopt, directory, options, out);
    }
}

namespace {

// A variable stands on a line of a Dockerfile, whose parser takes 65535 bytes; quotes, '$' and '\\' are escaped there
// (dockerfile/quote.cpp, which has the last word).
bool is_too_long(std::string_view value) {
    constexpr std::ptrdiff_t kLimit = 65000;
    const auto escaped = std::ranges::count_if(value, [](char c) { return c == '"' || c == '$' || c == '\\'; });
    return std::ssize(value) + escaped + 2 > kLimit;
}

constexpr std::string_view kTooLong = "an image's variable holds at most 65000 bytes";

}  // namespace

void read_variables(const YamlNode* node, const ReadOptions& options, Reading& out) {
    const auto is_name = [](std::string_view name) {
        constexpr std::string_view kFirst = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
        return !name.empty() && kFirst.find(name[0]) != std::string_view::npos &&
               name.find_first_not_of(std::string(kFirst) + "0123456789") == std::string_view::npos;
    };
    if (node != nullptr && !node->is_null() && !node->is_mapping()) {
        out.error(*node, fmt::format("variables is {} and should be a mapping", node->describe()),
                  "write 'NAME: value' lines below it");
    } else if (node != nullptr) {
        for (const auto& [key, value] : node->members()) {
            if (!is_name(key.text())) {
                out.error(key, fmt::format("'{}' is no name for an environment variable", key.text()),
                          "letters, digits and '_', not a digit first");
            } else if (value.is_sequence() || value.is_mapping()) {
                out.error(value,
                          fmt::format("the variable {} is {} and should be a text", key.text(), value.describe()));
            } else if (has_control_character(value.text())) {
                out.error(value, fmt::format("the variable {} holds a control character or several lines", key.text()),
                          "a value that goes into an image is one line of text");
            } else if (is_too_long(value.text())) {
                out.error(key, fmt::format("the variable {} has {} bytes", key.text(), value.text().size()),
                          std::string(kTooLong));
            } else {
                if (value.is_null())
                    out.warn(key, fmt::format("the variable {} has no value and will be empty", key.text()),
                             "write \"\" to say so");
                out.spec.variables[key.text()] = value.text();
            }
        }
    }
    for (const auto& [name, value] : options.variables) {
        if (!is_name(name) || has_control_character(value)) {
            out.report(Diagnostic::Severity::Error, {"--env", 0, 0},
                       fmt::format("'{}' cannot be set: a name is letters, digits and '_', a value one line", name));
        } else if (is_too_long(value)) {
            out.report(Diagnostic::Severity::Error, {"--env", 0, 0},
                       fmt::format("the variable {} has {} bytes", name, value.size()), std::string(kTooLong));
        } else {
            out.spec.variables[name] = value;
        }
    }
}

namespace {

// MatchSpec's hint is the text, a line with the caret, and perhaps advice: the caret moves into the file, the advice
// stays.
void report_bad_spec(const Error& error, const std::optional<YamlNode>& node, Reading& out) {
    const auto lines = split(error.hint(), '\n');
    int offset = 0;
    std::string advice;
    if (lines.size() >= 2 && trim(lines[1]) == "^") {
        offset = static_cast<int>(lines[1].find('^'));
        for (std::size_t i = 2; i < lines.size(); ++i) advice += (i > 2 ? "\n" : "") + std::string(trim(lines[i]));
    } else {
        advice = error.hint();
    }
    if (node) {
        out.error(*node, redact(error.message()), redact(advice), offset);
    } else {
        out.report(Diagnostic::Severity::Error, {out.file, 0, 0}, redact(error.message()), redact(advice));
    }
}

Expected<conda::MatchSpec> with_canonical_channel(conda::MatchSpec spec, const std::filesystem::path& directory,
                                                  const ReadOptions& options, Reading& out) {
    if (spec.channel().empty()) return spec;
    auto channels =
        conda::resolve_channel(spec.channel(), options.channel_settings, directory.string(), &out.credentials);
    if (!channels) return std::unexpected(std::move(channels.error()));
    std::string canonical;
    for (const auto& channel : *channels) canonical += (canonical.empty() ? "" : "|") + channel.url().to_string();
    return spec.with_channel(canonical);
}

}  // namespace

bool add_conda_spec(const std::string& text, const std::optional<YamlNode>& node,
                    const std::filesystem::path& directory, const ReadOptions& options, Reading& out) {
    if (has_control_character(text)) {
        if (node) out.error(*node, "the package spec holds a control character or several lines");
        return false;
    }
    auto spec = conda::MatchSpec::parse(text);
    if (!spec) {
        report_bad_spec(spec.error(), node, out);
        return false;
    }
    if (node) {
        for (const auto& warning : conda::match_spec_warnings(text)) out.warn(*node, redact(warning));
    }
    auto resolved = with_canonical_channel(*std::move(spec), directory, options, out);
    if (!resolved) {
        if (node) out.error(*node, resolved.error().message(), resolved.error().hint());
        return false;
    }
    out.spec.conda.push_back(*resolved);
    out.conda.push_back({*std::move(resolved), node});
    return true;
}

void read_pins(const std::filesystem::path& directory, const ReadOptions& options, Reading& out) {
    for (const auto& [text, origin] : options.pins) {
        const auto refuse = [&](const std::string& why, const std::string& advice) {
            out.report(Diagnostic::Severity::Error, {origin, 0, 0},
                       fmt::format("the pin '{}' cannot be used: {}", redact(shown(text)), redact(why)),
                       advice + (origin == "--pin" ? "" : "; --no-pin leaves these pins out"));
        };
        auto spec = conda::MatchSpec::parse(text);
        if (has_control_character(text)) {
            refuse("it holds a control character or several lines", "write it as 'numpy 1.26.*'");
        } else if (!spec) {
            refuse(spec.error().message(), "write it as 'numpy 1.26.*' or 'numpy >=1.26,<2'");
        } else if (!spec->has_exact_name()) {
            refuse("it names no package", "a pin is for one package: 'numpy 1.26.*'");
        } else if (auto resolved = with_canonical_channel(*std::move(spec), directory, options, out); !resolved) {
            refuse(resolved.error().message(), "correct the channel, or leave it out");
        } else {
            out.spec.pins.push_back({*std::move(resolved), origin});
        }
    }
}

}  // namespace envbuild::spec
