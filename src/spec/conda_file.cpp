// conda's environment.yml (docs/environment-file.md).
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/strings.hpp"
#include "spec/reading.hpp"

namespace envbuild::spec {

namespace {

constexpr std::array<std::string_view, 6> kKeys = {"name",      "channels",  "dependencies",
                                                   "variables", "platforms", "prefix"};

void refuse_template(const YamlNode& node, Reading& out) {
    const auto at = node.text().find(template_mark(node.text()));
    out.error(node, fmt::format("'{}' is a template that was never rendered", redact(node.text())),
              "fill in what stands between the braces", static_cast<int>(at));
}

class CondaFileReader {
  public:
    CondaFileReader(const std::filesystem::path& directory, const ReadOptions& options, Reading& out)
        : directory_(directory), options_(options), out_(out) {}

    void read(const YamlNode& root) {
        check_keys(root);
        read_name(root.find("name"));
        read_channels(root.find("channels"), directory_, options_, out_);
        read_platforms(root.find("platforms"));
        read_variables(root.find("variables"), options_, out_);
        if (const YamlNode* prefix = root.find("prefix"); prefix != nullptr && !prefix->is_null()) {
            out_.warn(*prefix, "'prefix' is ignored: it is a folder on the machine that wrote the file",
                      "remove the line");
        }
        read_dependencies(root);
        if (!options_.python.empty()) {
            out_.report(Diagnostic::Severity::Error, {out_.file, 0, 0}, "--python is for a requirements file",
                        "name Python's version in the file: - python=" + options_.python);
        }
    }

  private:
    void check_keys(const YamlNode& root) {
        const std::vector<std::string> known(kKeys.begin(), kKeys.end());
        for (const auto& [key, value] : root.members()) {
            if (std::ranges::find(kKeys, key.text()) != kKeys.end()) continue;
            std::string hint = "conda ignores it too";
            if (key.text() == "pip") {
                hint = "pip's requirements stand among the dependencies: '- pip:' and a list below it";
            } else if (const auto near = nearest(key.text(), known); !near.empty()) {
                hint = fmt::format("did you mean '{}'?", near);
            }
            out_.warn(key, fmt::format("the key '{}' is not known and is ignored", key.text()), hint);
        }
    }

    void read_name(const YamlNode* node) {
        if (node == nullptr || node->is_null()) return;
        if (!node->is_scalar()) {
            out_.error(*node, fmt::format("name is {} and should be a text", node->describe()));
        } else if (!template_mark(node->text()).empty()) {
            refuse_template(*node, out_);
        } else if (has_control_character(node->text())) {
            out_.error(*node, "name holds a control character");
        } else {
            out_.spec.name = node->text();
        }
    }

    void read_platforms(const YamlNode* node) {
        if (node == nullptr || node->is_null()) return;
        if (!node->is_sequence()) {
            out_.error(*node, fmt::format("platforms is {} and should be a list", node->describe()),
                       "write '- linux-64' lines below it");
            return;
        }
        for (const auto& item : node->items()) {
            const auto platform = conda::Platform::parse(item.is_scalar() ? item.text() : "");
            if (platform) {
                out_.platforms.push_back(platform->to_string());
            } else {
                out_.error(item,
                           item.is_scalar() ? platform.error().message()
                                            : fmt::format("a platform is a text, not {}", item.describe()),
                           "platforms are named as conda does: linux-64, linux-aarch64, osx-arm64 …");
            }
        }
    }

    void read_dependencies(const YamlNode& root) {
        const YamlNode* node = root.find("dependencies");
        if (node == nullptr || node->is_null()) {
            out_.warn(node == nullptr ? root : *node,
                      node == nullptr ? "the file has no dependencies" : "dependencies is empty",
                      "the image will hold the base alone");
            return;
        }
        if (!node->is_sequence()) {
            out_.error(*node, fmt::format("dependencies is {} and should be a list", node->describe()),
                       node->text().starts_with('-') ? "a space stands after '-'" : "write '- package' lines below it");
            return;
        }
        if (node->items().empty()) out_.warn(*node, "dependencies is empty", "the image will hold the base alone");
        for (const auto& item : node->items()) read_dependency(item);
        note_repeats();
        if (!pip_.empty()) {
            if (!out_.spec.asks_for("pip")) {
                out_.warn(*pip_key_,
                          "there is a pip section and no 'pip' among the dependencies; pip was added, as conda does",
                          "add '- pip' to say so yourself; the hash is the same");
                add_conda_spec("pip", std::nullopt, directory_, options_, out_);
            }
            read_pip_items(pip_, directory_, options_, out_);
        }
    }

    void read_dependency(const YamlNode& item) {
        if (item.is_mapping()) {
            for (const auto& [key, value] : item.members()) read_entry(key, value, item);
        } else if (item.is_null()) {
            out_.error(item, "an item of dependencies is empty", "name a package after the '-', or remove it");
        } else if (!item.is_scalar()) {
            out_.error(item, fmt::format("an item of dependencies is {} and should be a package", item.describe()));
        } else if (item.scalar_type() != YamlNode::ScalarType::String) {
            out_.error(item, fmt::format("an item of dependencies is {} and should be a package", item.describe()),
                       fmt::format("if it is a package's name, quote it: - \"{}\"", item.text()));
        } else {
            read_spec(item);
        }
    }

    void read_spec(const YamlNode& item) {
        const std::string& text = item.text();
        if (!template_mark(text).empty()) return refuse_template(item, out_);
        if (text.starts_with('-')) {
            out_.error(item,
                       fmt::format("'{}' is an option of pip and stands among the conda dependencies", redact(text)),
                       "put it into a pip section: '- pip:' and a list below it");
            return;
        }
        for (const std::string_view command : {"pip install", "conda install"}) {
            if (text.starts_with(command)) {
                out_.error(item, fmt::format("'{}' is a command, not a package", command), "name the package alone");
                return;
            }
        }
        add_conda_spec(text, item, directory_, options_, out_);
    }

    void read_entry(const YamlNode& key, const YamlNode& value, const YamlNode& item) {
        const std::string& name = key.text();
        if (name == "pip") return read_pip(key, value);
        if (name.starts_with("sel(") && name.ends_with(')')) return read_selector(key, value);
        if (name == "npm" || name == "gem" || name == "cargo" || name == "r" || name == "cran") {
            out_.error(key, fmt::format("the installer '{}' is not known", name), "only pip is, as in conda");
        } else if (!template_mark(name).empty()) {
            refuse_template(key, out_);
        } else if (value.is_scalar()) {
            out_.error(key, fmt::format("'{}: {}' is a mapping, not a package", name, value.text()),
                       value.text().starts_with(':')
                           ? fmt::format("write it without a space: {}:{}", name, value.text())
                           : fmt::format("write: - {}={}", name, value.text()));
        } else {
            out_.error(key, fmt::format("'{}:' is not known among the dependencies", name),
                       item.members().size() > 1 ? "check the indentation"
                                                 : "only 'pip:' and 'sel(linux):' have a list below them");
        }
    }

    void read_pip(const YamlNode& key, const YamlNode& value) {
        if (pip_key_) out_.warn(key, "a second pip section; both are read", "join the two");
        if (value.is_null() || (value.is_sequence() && value.items().empty())) {
            out_.warn(key, "the pip section is empty", "remove it, or list requirements below it");
            return;
        }
        if (!value.is_sequence()) {
            out_.error(
                value, fmt::format("the pip section is {} and should be a list", value.describe()),
                value.is_scalar() ? fmt::format("write '- {}' on a line below 'pip:'", redact(value.text())) : "");
            return;
        }
        if (!pip_key_) pip_key_ = key;
        for (const auto& item : value.items()) {
            if (item.is_null()) {
                out_.error(item, "an item of the pip section is empty",
                           "write a requirement after the '-', or remove it");
            } else if (item.is_mapping() && item.members().size() == 1 && item.members().front().value.is_null()) {
                const std::string& text = item.members().front().key.text();
                out_.error(item, fmt::format("the ':' at the end makes '{}:' a mapping", redact(text)),
                           fmt::format("quote it: - \"{}:\"", redact(text)));
            } else if (item.is_mapping() && !item.members().empty() && item.members().front().value.is_scalar()) {
                const auto& member = item.members().front();
                out_.error(item,
                           fmt::format("'{}: {}' is a mapping, not a requirement", member.key.text(),
                                       redact(member.value.text())),
                           "a space after ':' makes a mapping; write name==version, or quote the line");
            } else if (!item.is_scalar() || item.scalar_type() != YamlNode::ScalarType::String) {
                out_.error(
                    item, fmt::format("an item of the pip section is {} and should be a requirement", item.describe()));
            } else if (!template_mark(item.text()).empty()) {
                refuse_template(item, out_);
            } else {
                pip_.push_back({item.text(), item});
            }
        }
    }

    // micromamba's selectors.
    void read_selector(const YamlNode& key, const YamlNode& value) {
        const std::string selector = key.text().substr(4, key.text().size() - 5);
        const std::string& platform = options_.platform.to_string();
        const bool linux_platform = platform.starts_with("linux");
        const bool osx = platform.starts_with("osx");
        bool chosen = false;
        if (selector == "linux")
            chosen = linux_platform;
        else if (selector == "unix")
            chosen = linux_platform || osx;
        else if (selector == "osx")
            chosen = osx;
        else if (selector == "win")
            chosen = platform.starts_with("win");
        else if (conda::Platform::parse(selector))
            chosen = platform == selector;
        else
            out_.warn(key, fmt::format("the selector '{}' is not known and never chosen", selector),
                      "known are linux, unix, osx, win and platforms such as linux-64");
        if (!chosen) return;
        if (value.is_sequence()) {
            for (const auto& item : value.items()) read_dependency(item);
        } else if (!value.is_null()) {
            read_dependency(value);
        }
    }

    void note_repeats() {
        for (std::size_t i = 0; i < out_.conda.size(); ++i) {
            const auto& later = out_.conda[i];
            if (!later.node) continue;
            const auto first =
                std::ranges::find_if(out_.conda, [&](const auto& one) { return one.spec.name() == later.spec.name(); });
            if (first == out_.conda.begin() + static_cast<std::ptrdiff_t>(i) || !first->node) continue;
            const bool same =
                first->spec.canonical(first->spec.channel()) == later.spec.canonical(later.spec.channel());
            out_.warn(*later.node,
                      fmt::format("{} is listed twice; first on line {}", later.spec.name(), first->node->line()),
                      same ? "remove one" : "both count: what is installed must fit each");
        }
    }

    const std::filesystem::path& directory_;
    const ReadOptions& options_;
    Reading& out_;
    std::vector<PipItem> pip_;
    std::optional<YamlNode> pip_key_;
};

}  // namespace

void read_conda_file(const YamlNode& root, const std::filesystem::path& directory, const ReadOptions& options,
                     Reading& out) {
    CondaFileReader(directory, options, out).read(root);
}

}  // namespace envbuild::spec
