// What reading a file gathers, errors and all: the common ground of environment_reader and lint. Internal to this
// folder.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spec/environment_reader.hpp"
#include "spec/yaml.hpp"

namespace envbuild::spec {

// A conda spec with the place it was written at; `node` is absent for what the reader added itself.
struct LocatedSpec {
    conda::MatchSpec spec;
    std::optional<YamlNode> node;
};

struct LocatedChannel {
    std::vector<conda::Channel> channels;
    std::optional<YamlNode> node;  // absent for --channel
    std::string written;
};

struct Reading {
    FileKind kind = FileKind::Unknown;
    std::string file;
    EnvironmentSpec spec;
    std::vector<Diagnostic> diagnostics;
    std::vector<Url> credentials;
    std::vector<std::string> platforms;

    // For lint: where things stand.
    std::vector<LocatedSpec> conda;
    std::vector<LocatedChannel> channels;
    std::vector<SourcePlace> pip_places;  // beside spec.pip
    std::optional<YamlNode> root;

    [[nodiscard]] bool ok() const;
    void error(const YamlNode& node, std::string message, std::string hint = "", int offset = 0);
    void warn(const YamlNode& node, std::string message, std::string hint = "", int offset = 0);
    void report(Diagnostic::Severity severity, SourcePlace place, std::string message, std::string hint = "");
};

// Everything that can be learnt from the bytes. Throws only for what is no file of text at all.
[[nodiscard]] Reading read_all(std::string_view bytes, const std::string& file, const std::filesystem::path& directory,
                               const ReadOptions& options);

// The bytes of `path` or, for "-", of standard input; with the name for messages and the folder for relative paths.
// Cancelled when `cancel` fires while standard input says nothing.
struct InputFile {
    std::string bytes, name;
    std::filesystem::path directory;
};
[[nodiscard]] InputFile open_input(const std::filesystem::path& path, const CancelToken& cancel);

// An Error whose message begins with "file:line:column: " as a Diagnostic with its place.
[[nodiscard]] Diagnostic diagnostic_of(const Error& error, const std::string& file);

// The parts of read_all, each a file of its own.
void read_conda_file(const YamlNode& root, const std::filesystem::path& directory, const ReadOptions& options,
                     Reading& out);
void read_requirements_text(std::string_view text, const std::filesystem::path& directory, const ReadOptions& options,
                            Reading& out);
void read_channels(const YamlNode* node, const std::filesystem::path& directory, const ReadOptions& options,
                   Reading& out);
void read_variables(const YamlNode* node, const ReadOptions& options, Reading& out);
// Adds a spec as written; its channel becomes a canonical URL. False, with a diagnostic, where it does not parse.
bool add_conda_spec(const std::string& text, const std::optional<YamlNode>& node,
                    const std::filesystem::path& directory, const ReadOptions& options, Reading& out);
// options.pins to spec.pins; a diagnostic for each that does not parse or names no package.
void read_pins(const std::filesystem::path& directory, const ReadOptions& options, Reading& out);
// Pip lines to spec.pip, constraints and indexes; local sources get their digest.
struct PipItem {
    std::string text;
    YamlNode node;
};
void read_pip_items(const std::vector<PipItem>& items, const std::filesystem::path& directory,
                    const ReadOptions& options, Reading& out);
// The file's own diagnostics first, by line, otherwise in the order found.
void sort_by_line(std::vector<Diagnostic>& diagnostics, const std::string& file);
// "{{" and the like, or "" where the text holds no sign of a template.
[[nodiscard]] std::string_view template_mark(std::string_view text);

}  // namespace envbuild::spec
