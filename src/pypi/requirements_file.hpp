// Requirements files and pip sections: from text to requirements, options and constraints, with -r and -c inlined.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.hpp"
#include "base/process_env.hpp"
#include "pypi/requirement_line.hpp"

namespace envbuild::pypi {

struct RequirementsOptions {
    ProcessEnv env;  // for ${VAR}
    // The folder that `-r`, `-c` and local paths of the outermost text are relative to.
    std::filesystem::path directory;
    // How an included file is read; throws Error. Files are limited to 4 MiB by the default, read_requirements_text.
    std::function<std::string(const std::filesystem::path&)> read_file;
};

struct ParsedRequirement {
    RequirementLine line;
    SourcePlace place;
};

struct Requirements {
    std::vector<ParsedRequirement> requirements;  // in the order read, included ones at their place
    std::vector<ParsedRequirement> constraints;
    IndexOptions indexes;
    std::vector<Diagnostic> diagnostics;          // errors too: nothing is thrown for what the text says
    std::vector<Url> with_credentials;            // every URL that carried user information, as it was given
    std::vector<std::filesystem::path> included;  // the files that -r and -c named, in the order read

    [[nodiscard]] bool ok() const;
};

// One physical piece of text: a whole file, or one item of an environment's pip section that begins at `place`.
class RequirementsParser {
  public:
    explicit RequirementsParser(RequirementsOptions options);

    // Adds what the text says to the result: a file with many lines, comments and continuations.
    void add_file_text(std::string_view text, const std::string& file_name);
    // One item of a pip section. A block scalar may hold several lines.
    void add_item(std::string_view text, const SourcePlace& place);

    [[nodiscard]] Requirements take() { return std::move(result_); }

  private:
    friend class RequirementsFileReader;
    RequirementsOptions options_;
    Requirements result_;
};

// The file as UTF-8 text: BOMs and UTF-16 decoded, line ends made "\n". Throws Error: InvalidInput with the place for
// what is not text, and read_file's kinds.
[[nodiscard]] std::string read_requirements_text(const std::filesystem::path& path);

}  // namespace envbuild::pypi
