#include "spec/definition_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/fs.hpp"
#include "base/strings.hpp"
#include "base/url.hpp"
#include "pypi/expansion.hpp"
#include "pypi/requirements_file.hpp"
#include "spec/context_tree.hpp"
#include "spec/definition_fields.hpp"
#include "spec/source_tree.hpp"
#include "spec/yaml.hpp"

namespace envbuild::spec {

namespace {

constexpr std::size_t kMaxFiles = 50'000;

bool leads_out(const std::string& relative) {
    return relative.empty() || relative == ".." || relative.starts_with("../") || fs::path(relative).is_absolute();
}

// A line that names something on the disk, as far as it can be told with a variable in it.
bool looks_local(std::string_view line) {
    line = trim(line);
    for (const std::string_view begin :
         {"-r", "--requirement", "-c", "--constraint", "-e", "--editable", ".", "/", "file:", "-f", "--find-links"}) {
        if (line.starts_with(begin)) return !line.contains("://") || line.contains("file:");
    }
    return !line.contains("://") && (line.ends_with(".whl") || line.ends_with(".tar.gz") || line.ends_with(".zip"));
}

class Planner {
  public:
    Planner(const Definition& definition, fs::path source, const ProcessEnv& env, const CancelToken& cancel)
        : source_(std::move(source)), env_(env), cancel_(cancel) {
        out_.definition = definition;
    }

    DefinitionFiles plan() {
        plan_conda();
        plan_base();
        return std::move(out_);
    }

  private:
    void put(const std::string& path, PlannedFile file) {
        if (out_.files.size() >= kMaxFiles) {
            throw Error(ErrorKind::InvalidInput,
                        fmt::format("{}: the definition names more than {} files", source_.string(), kMaxFiles))
                .with_hint("name what does not belong to it in a .dockerignore");
        }
        out_.files.emplace(path, std::move(file));  // the first to name a path has said what it is
    }

    void plan_conda() {
        Definition& definition = out_.definition;
        const auto part = conda_part(definition, source_);
        if (!part) return;
        if (!definition.conda_file.empty()) check_inside(source_ / definition.conda_file, definition.conda_file);
        const auto named = [&] { return out_.files.size(); };
        const auto before = named();
        plan_pip(*part);
        const bool apart = fs::path(definition.conda_file).has_parent_path();
        if (!apart || named() == before) definition.conda_file = kCondaFile;
        definition.conda_text.clear();
        PlannedFile file;
        file.bytes = part->bytes;
        out_.files[definition.conda_file] = std::move(file);
    }

    void plan_base() {
        DefinitionBase& base = out_.definition.base;
        if (!base.dockerfile.empty()) {
            PlannedFile file;
            file.bytes = base.dockerfile;
            out_.files[std::string(kDockerfileName)] = std::move(file);
        }
        if (base.context.empty() || base.context_is_git()) return;
        if (leads_out(base.context)) refuse_outside(base.context);
        check_inside(source_ / base.context, base.context);
        const ContextTree tree = read_context(source_ / base.context, base.context_dockerfile, cancel_);
        if (base.context == ".") base.context = free_name("context");
        const std::string prefix = base.context + "/";
        for (const auto& entry : tree.entries) {
            PlannedFile file;
            file.kind = entry.kind == ContextEntry::Kind::File   ? PlannedFile::Kind::Copy
                        : entry.kind == ContextEntry::Kind::Link ? PlannedFile::Kind::Link
                                                                 : PlannedFile::Kind::Folder;
            file.bytes = entry.target;
            file.source = entry.source;
            file.mode = entry.mode;
            put(prefix + entry.path, std::move(file));
        }
    }

    [[nodiscard]] std::string free_name(const std::string& wanted) const {
        const auto taken = [&](const std::string& name) {
            return std::ranges::any_of(
                out_.files, [&](const auto& one) { return one.first == name || one.first.starts_with(name + "/"); });
        };
        std::string name = wanted;
        for (int i = 2; taken(name); ++i) name = fmt::format("{}-{}", wanted, i);
        return name;
    }

    [[noreturn]] void refuse_outside(const std::string& path) const {
        throw Error(ErrorKind::InvalidInput,
                    fmt::format("{} lies outside of the definition's folder {}", path, source_.string()))
            .with_hint("copy it into the folder, and name it by a relative path");
    }

    void check_inside(const fs::path& path, const std::string& written) const {
        if (!lies_inside(path, source_)) refuse_outside(written);
    }

    // --- what the pip section names

    void plan_pip(const CondaPart& part) {
        const auto root = value_or_throw(parse_yaml(part.bytes, part.file));
        std::vector<const YamlNode*> items;
        if (const YamlNode* dependencies = root.find("dependencies")) gather(*dependencies, items);
        if (items.empty()) return;

        pypi::RequirementsOptions options;
        options.env = env_;
        options.directory = part.directory;
        std::optional<Error> failed;
        // The parser turns what this throws into a diagnostic; here it stops everything.
        options.read_file = [&](const fs::path& path) {
            try {
                return include(path);
            } catch (const Error& error) {
                if (!failed) failed = error;
                throw;
            }
        };
        pypi::RequirementsParser parser(options);
        for (const YamlNode* item : items) {
            parser.add_item(known_lines(item->text(), item->place().to_string()), item->place());
            if (failed) throw Error(*failed).with_context("reading " + item->place().to_string());
        }
        // What else is wrong with a line is for the build to say: it names no file.
        auto parsed = parser.take();
        for (const auto& one : parsed.requirements) {
            if (one.line.kind == pypi::RequirementLine::Kind::Local) add_source(one.line.path, part.directory);
        }
        for (const auto& link : parsed.indexes.find_links) {
            // An absolute one is a place of the site, as an index is.
            if (!link.contains("://") && !fs::path(link).is_absolute()) add_source(link, part.directory);
        }
        out_.pip.push_back(std::move(parsed));
    }

    // The lines whose local files can be told: one with an unknown variable is left out, unless it is the variable that
    // says which file.
    [[nodiscard]] std::string known_lines(std::string_view text, const std::string& file) const {
        std::string out;
        for (const auto line : split(text, '\n')) {
            if (pypi::expand_variables(line, env_).unset.empty()) {
                check_relative(line, file);
                out += line;
            } else if (looks_local(line)) {
                throw Error(ErrorKind::InvalidInput,
                            fmt::format("{}: '{}' names a local file by a variable", file, redact(trim(line))))
                    .with_hint("write the path out, so that the file can be copied along");
            }
            out += '\n';
        }
        return out;
    }

    // The parser takes an absolute path below the folder for a relative one; a copy of the line would lead back here.
    void check_relative(std::string_view line, const std::string& file) const {
        auto root = fs::absolute(source_).lexically_normal().generic_string();
        while (root.ends_with('/')) root.pop_back();
        if (root.empty() || trim(line).starts_with('#')) return;
        if (!line.contains(root + "/") && !percent_decode(line).contains(root + "/")) return;
        throw Error(ErrorKind::InvalidInput, fmt::format("{}: '{}' names a file of the definition by an absolute path",
                                                         file, redact(trim(line))))
            .with_hint("write it relative to the file's folder, such as ./wheels/NAME.whl");
    }

    static void gather(const YamlNode& dependencies, std::vector<const YamlNode*>& items) {
        for (const auto& item : dependencies.items()) {
            for (const auto& member : item.members()) {
                if (member.key.text() == "pip") {
                    for (const auto& line : member.value.items()) {
                        if (line.is_scalar()) items.push_back(&line);
                    }
                } else if (member.key.text().starts_with("sel(")) {
                    gather(member.value, items);
                }
            }
        }
    }

    std::string include(const fs::path& path) {
        const std::string relative = relative_to_source(path);
        if (leads_out(relative)) refuse_outside(path.generic_string());
        check_inside(path, path.generic_string());
        const std::string text = pypi::read_requirements_text(path);
        PlannedFile file;
        file.kind = PlannedFile::Kind::Copy;
        file.source = path;
        put(relative, std::move(file));
        out_.texts.push_back(path);
        return known_lines(text, path.string());
    }

    [[nodiscard]] std::string relative_to_source(const fs::path& path) const {
        std::string relative = fs::absolute(path)
                                   .lexically_normal()
                                   .lexically_relative(fs::absolute(source_).lexically_normal() / "")
                                   .generic_string();
        while (relative.size() > 1 && relative.ends_with('/')) relative.pop_back();
        return relative;
    }

    void add_source(const std::string& written, const fs::path& directory) {
        const fs::path path = directory / written;
        const std::string relative = relative_to_source(path);
        if (fs::path(written).is_absolute() || leads_out(relative)) refuse_outside(written);
        check_inside(path, written);
        if (relative == ".") {
            // What belongs to the definition itself would count as its source: its hash would depend on its name.
            throw Error(ErrorKind::InvalidInput,
                        fmt::format("{}: the source '{}' is the definition's own folder", source_.string(), written))
                .with_hint("put the package into a folder of its own, such as ./pkg, and name that");
        }
        const auto status = fs::status(path);
        if (!fs::exists(status)) {
            throw Error(ErrorKind::NotFound, fmt::format("{}: there is no such file or folder", path.string()))
                .with_hint("the pip section names it");
        }
        if (!fs::is_directory(status)) return add_file(path, relative);
        for (const auto& found : source_files(path, LeftOut::IgnoreRules, cancel_))
            add_file(found.on_disk, relative + "/" + found.path);
    }

    void add_file(const fs::path& path, const std::string& relative) {
        const auto status = fs::symlink_status(path);
        PlannedFile file;
        file.source = path;
        if (fs::is_symlink(status)) {
            file.kind = PlannedFile::Kind::Link;
            file.bytes = fs::read_symlink(path).string();
        } else if (fs::is_regular_file(status)) {
            file.kind = PlannedFile::Kind::Copy;
            file.mode = (status.permissions() & fs::perms::owner_exec) != fs::perms::none ? 0755 : 0644;
        } else {
            return;  // sockets and the like go nowhere
        }
        put(relative, std::move(file));
    }

    fs::path source_;
    const ProcessEnv& env_;
    const CancelToken& cancel_;
    DefinitionFiles out_;
};

}  // namespace

DefinitionFiles plan_definition_files(const Definition& definition, const std::filesystem::path& source,
                                      const ProcessEnv& env, const CancelToken& cancel) {
    return Planner(definition, source, env, cancel).plan();
}

}  // namespace envbuild::spec
