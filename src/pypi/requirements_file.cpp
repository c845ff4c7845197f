#include "pypi/requirements_file.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/fs.hpp"
#include "base/strings.hpp"
#include "base/text_encoding.hpp"
#include "pypi/expansion.hpp"
#include "pypi/line_parser.hpp"
#include "pypi/option_line.hpp"

namespace envbuild::pypi {

namespace {

constexpr std::uint64_t kMaxFileBytes = 4U << 20U;
constexpr std::size_t kMaxIncludes = 200;
constexpr std::size_t kMaxRequirements = 50'000;

// A line after joining continuations and dropping comments.
struct LogicalLine {
    std::string text;
    int number = 0;       // of its first physical line, from 0 within the text
    int indent = 0;       // characters before the text
    bool joined = false;  // more than one physical line: columns mean nothing
};

// pip's COMMENT_RE: '#' at the beginning or after white space.
std::string_view without_comment(std::string_view line) {
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] == '#' && (i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t')) return line.substr(0, i);
    }
    return line;
}

std::vector<LogicalLine> logical_lines(std::string_view text) {
    std::vector<LogicalLine> lines;
    std::string pending;
    int begin = 0;
    int number = -1;
    const auto flush = [&](std::string joined, bool several) {
        const auto bare = trim(without_comment(joined));
        if (bare.empty()) return;
        lines.push_back({std::string(bare), begin, static_cast<int>(joined.find(bare.front())), several});
    };
    for (const auto physical : split(text, '\n')) {
        ++number;
        const bool comment = trim(physical).starts_with('#');
        if (pending.empty()) begin = number;
        if (physical.ends_with('\\') && !comment) {
            pending += physical.substr(0, physical.size() - 1);
            if (pending.empty()) pending = " ";
            continue;
        }
        if (pending.empty()) {
            flush(std::string(physical), false);
        } else {
            // The space makes a comment line that ends a continuation one that is always seen as such.
            flush(pending + (comment ? " " : "") + std::string(physical), true);
            pending.clear();
        }
    }
    if (!pending.empty()) flush(pending, true);
    return lines;
}

}  // namespace

bool Requirements::ok() const {
    return std::ranges::none_of(diagnostics,
                                [](const Diagnostic& d) { return d.severity == Diagnostic::Severity::Error; });
}

std::string read_requirements_text(const std::filesystem::path& path) {
    return value_or_throw(decode_text(read_file(path, kMaxFileBytes), path.string()));
}

// Does the reading; a friend of RequirementsParser, whose result it fills.
class RequirementsFileReader {
  public:
    RequirementsFileReader(const RequirementsOptions& options, Requirements& result)
        : options_(options), out_(result) {}

    struct Context {
        std::string file;
        std::filesystem::path directory;  // what -r and -c are relative to
        SourcePlace origin;               // of a pip item; line 0 for a file of its own
        bool constraint = false;
    };

    void read(std::string_view text, const Context& context) {
        physical_ = split(text, '\n');
        for (const auto& line : logical_lines(text)) {
            if (out_.requirements.size() + out_.constraints.size() > kMaxRequirements) {
                report(Diagnostic::Severity::Error, line, context, 0, "too many requirements", "");
                return;
            }
            read_line(line, context);
            physical_ = split(text, '\n');  // an included file has put its own there
        }
    }

    std::vector<std::filesystem::path> stack;

  private:
    void report(Diagnostic::Severity severity, const LogicalLine& line, const Context& context, std::size_t offset,
                std::string message, std::string hint) {
        Diagnostic diagnostic;
        diagnostic.severity = severity;
        diagnostic.message = std::move(message);
        diagnostic.hint = std::move(hint);
        diagnostic.place.file = context.file;
        const int column = line.joined ? 0 : line.indent + static_cast<int>(offset) + 1;
        if (context.origin.line > 0) {
            diagnostic.place = context.origin;
            if (line.number > 0) {
                diagnostic.place.line += line.number;
                diagnostic.place.column = 0;
            } else if (column > 0 && context.origin.column > 0) {
                diagnostic.place.column += column - 1;
            }
        } else {
            diagnostic.place.line = line.number + 1;
            diagnostic.place.column = column;
            const auto index = static_cast<std::size_t>(line.number);
            if (index < physical_.size()) diagnostic.excerpt = caret_excerpt(physical_[index], column);
        }
        out_.diagnostics.push_back(std::move(diagnostic));
    }

    SourcePlace place_of(const LogicalLine& line, const Context& context) const {
        if (context.origin.line > 0)
            return {context.origin.file, context.origin.line + line.number,
                    line.number == 0 ? context.origin.column : 0};
        return {context.file, line.number + 1, line.indent + 1};
    }

    void read_line(const LogicalLine& line, const Context& context) {
        using enum Diagnostic::Severity;
        const Expansion expansion = expand_variables(line.text, options_.env);
        for (const auto& missing : expansion.unset) {
            report(Error, line, context, missing.offset, fmt::format("the variable {} is not set", missing.name),
                   fmt::format("set {} in the environment of this command", missing.name));
        }
        for (const auto& missing : expansion.unset_credentials) {
            report(Warning, line, context, missing.offset,
                   fmt::format("the variable {} of a credential is not set", missing.name),
                   "the URL will be asked without it; the hash is the same");
        }
        if (!expansion.unset.empty()) return;
        const bool expanded = expansion.text != line.text;
        auto parsed = parse_option_line(expansion.text);
        if (!parsed) {
            const auto& fault = parsed.error();
            report(Error, line, context, expanded ? 0 : fault.offset, redact(fault.message), redact(fault.hint));
            return;
        }
        for (const auto& warning : parsed->warnings) report(Warning, line, context, 0, redact(warning), "");
        if (!parsed->requirement.empty()) add_requirement(*parsed, line, context, expanded);
        for (const auto& editable : parsed->editables) {
            OptionLine one;
            one.requirement = editable;
            add_requirement(one, line, context, true, true);
        }
        for (const auto& [path, constraint] : parsed->includes)
            include(path, constraint || context.constraint, line, context);
        apply_options(*parsed, line, context);
    }

    void add_requirement(const OptionLine& parsed, const LogicalLine& line, const Context& context, bool moved,
                         bool editable = false) {
        using enum Diagnostic::Severity;
        auto requirement = parse_requirement_form(parsed.requirement, editable, out_.with_credentials);
        if (!requirement) {
            const auto& fault = requirement.error();
            report(Error, line, context, moved ? 0 : fault.offset, redact(fault.message), redact(fault.hint));
            return;
        }
        requirement->hashes.insert(requirement->hashes.end(), parsed.hashes.begin(), parsed.hashes.end());
        std::ranges::sort(requirement->hashes);
        const auto repeated = std::ranges::unique(requirement->hashes);
        requirement->hashes.erase(repeated.begin(), repeated.end());
        requirement->options = parsed.requirement_options;
        std::ranges::sort(requirement->options);
        if (requirement->kind == RequirementLine::Kind::Local)
            requirement->path = anchored(requirement->path, options_.directory);
        if (context.constraint &&
            (requirement->editable || requirement->name.empty() || !requirement->extras.empty())) {
            report(Error, line, context, 0, "a constraint is a name and a version, without -e and extras",
                   "see pip's documentation of constraints files");
            return;
        }
        auto& list = context.constraint ? out_.constraints : out_.requirements;
        list.push_back({std::move(*requirement), place_of(line, context)});
    }

    // The path as it counts: relative to the outermost folder where it lies below it or was written so, else absolute.
    [[nodiscard]] std::string anchored(const std::string& path, const std::filesystem::path& directory) const {
        namespace stdfs = std::filesystem;
        const stdfs::path root = stdfs::absolute(options_.directory).lexically_normal();
        const bool absolute = stdfs::path(path).is_absolute();
        const stdfs::path whole = (absolute ? stdfs::path(path) : stdfs::absolute(directory) / path).lexically_normal();
        std::string relative = whole.lexically_relative(root).generic_string();
        if (absolute && (relative.empty() || relative.starts_with(".."))) return whole.generic_string();
        while (relative.ends_with('/')) relative.pop_back();
        if (relative.ends_with("/.")) relative.resize(relative.size() - 2);
        if (relative.empty() || relative == ".") return ".";
        return relative.starts_with("..") ? relative : "./" + relative;
    }

    void include(const std::string& path, bool constraint, const LogicalLine& line, const Context& context) {
        using enum Diagnostic::Severity;
        if (path.find("://") != std::string::npos && !path.starts_with("file:")) {
            report(Error, line, context, 0, fmt::format("requirements from a URL are not read: {}", redact(path)),
                   "download the file, check it, and name it by its path, so that the same text always means the same");
            return;
        }
        const std::filesystem::path target =
            (context.directory / (path.starts_with("file://") ? path.substr(7) : path)).lexically_normal();
        if (std::ranges::find(stack, target) != stack.end()) {
            report(Error, line, context, 0, fmt::format("{} includes itself", path), "");
            return;
        }
        if (out_.included.size() >= kMaxIncludes) {
            report(Error, line, context, 0, fmt::format("more than {} files are included", kMaxIncludes), "");
            return;
        }
        std::string text;
        try {
            text = options_.read_file(target);
        } catch (const envbuild::Error& error) {
            report(Error, line, context, 0, error.message(),
                   fmt::format("{} is looked up beside the file that names it", path));
            return;
        }
        out_.included.push_back(target);
        stack.push_back(target);
        read(text, {target.string(), target.parent_path(), {}, constraint});
        stack.pop_back();
    }

    void apply_options(const OptionLine& parsed, const LogicalLine& line, const Context& context) {
        IndexOptions& indexes = out_.indexes;
        const auto url = [&](const std::string& text) -> std::string {
            auto found = Url::parse(text);
            if (!found) {
                report(Diagnostic::Severity::Error, line, context, 0, found.error().message(),
                       "an index is named by its whole URL");
                return "";
            }
            if (found->user_info()) out_.with_credentials.push_back(*found);
            std::string canonical = found->without_user_info().without_fragment().to_string();
            while (canonical.ends_with('/')) canonical.pop_back();
            return canonical;
        };
        const auto add_once = [](std::vector<std::string>& list, const std::string& value) {
            if (!value.empty() && std::ranges::find(list, value) == list.end()) list.push_back(value);
        };
        if (parsed.index_url) {
            if (const auto main = url(*parsed.index_url); !main.empty()) indexes.index_urls = {main};
        }
        if (parsed.no_index) {
            indexes.no_index = true;
            indexes.index_urls.clear();
        }
        for (const auto& extra : parsed.extra_index_urls) {
            const auto canonical = url(extra);
            if (canonical.empty()) continue;
            if (indexes.index_urls.empty() && !indexes.no_index) indexes.index_urls.emplace_back();
            add_once(indexes.index_urls, canonical);
        }
        for (const auto& link : parsed.find_links) {
            const bool is_url = link.find("://") != std::string::npos && !link.starts_with("file:");
            std::string path = link.starts_with("file://") ? percent_decode(link.substr(7)) : link;
            add_once(indexes.find_links, is_url ? url(link) : anchored(path, context.directory));
        }
        indexes.pre |= parsed.pre;
        indexes.prefer_binary |= parsed.prefer_binary;
        indexes.require_hashes |= parsed.require_hashes;
        for (const auto& host : parsed.trusted_hosts) add_once(indexes.trusted_hosts, host);
        for (const auto& [binary, value] : parsed.formats) {
            merge_format(value, binary ? indexes.only_binary : indexes.no_binary,
                         binary ? indexes.no_binary : indexes.only_binary);
        }
    }

    // pip's FormatControl: a later word wins, and takes the name out of the other list.
    static void merge_format(std::string_view value, std::vector<std::string>& target,
                             std::vector<std::string>& other) {
        for (const auto field : split(value, ',')) {
            const auto name = trim(field);
            if (name == ":all:") {
                other.clear();
                target = {":all:"};
            } else if (name == ":none:") {
                target.clear();
            } else if (!name.empty()) {
                std::string normal = normalize_name(name);
                std::erase(other, normal);
                if (std::ranges::find(target, normal) == target.end()) target.push_back(std::move(normal));
            }
        }
        std::ranges::sort(target);
    }

    const RequirementsOptions& options_;
    Requirements& out_;
    std::vector<std::string_view> physical_;
};

RequirementsParser::RequirementsParser(RequirementsOptions options) : options_(std::move(options)) {
    if (!options_.read_file) options_.read_file = read_requirements_text;
}

void RequirementsParser::add_file_text(std::string_view text, const std::string& file_name) {
    RequirementsFileReader reader(options_, result_);
    reader.stack.push_back((options_.directory / std::filesystem::path(file_name).filename()).lexically_normal());
    reader.read(text, {file_name, options_.directory, {}, false});
}

void RequirementsParser::add_item(std::string_view text, const SourcePlace& place) {
    RequirementsFileReader reader(options_, result_);
    reader.read(text, {place.file, options_.directory, place, false});
}

}  // namespace envbuild::pypi
