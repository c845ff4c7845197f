#include "spec/definition_conda.hpp"

#include <algorithm>
#include <array>

#include "base/fs.hpp"
#include "base/json.hpp"
#include "base/strings.hpp"
#include "spec/definition.hpp"

namespace envbuild::spec {

namespace {

constexpr std::uint64_t kMaxBytes = 4U << 20U;

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// Whether every YAML reader takes the bare text as this string.
bool is_plain_string(std::string_view text) {
    static constexpr std::array<std::string_view, 9> kWords = {"y",   "n",    "yes",   "no",  "on",
                                                               "off", "true", "false", "null"};
    if (text.empty() || !is_letter(text.front()) || text.back() == ' ' || text.back() == ':') return false;
    if (std::ranges::find(kWords, to_lower(text)) != kWords.end()) return false;
    if (text.contains(": ") || text.contains(" #")) return false;
    return std::ranges::all_of(text, [](char c) {
        return is_letter(c) || (c >= '0' && c <= '9') || std::string_view("._-+/=<>!~*^@%:;,()[]'| #").contains(c);
    });
}

std::string scalar(const YamlNode& node) {
    const std::string& text = node.text();
    if (node.is_null()) return "null";
    if (is_plain_string(text)) return text;
    // A number or a flag was written bare; a text is quoted.
    if (!node.quoted() && node.scalar_type() != YamlNode::ScalarType::String) return text;
    return json_quote(text);
}

class Writer {
  public:
    std::string out;

    // `node` follows "key:" or "-"; `depth` is of its own lines.
    void value(const YamlNode& node, std::size_t depth, bool in_list) {
        if (node.is_mapping() && !node.members().empty()) {
            bool first = in_list;
            if (!in_list) out += '\n';
            for (const auto& member : node.members()) {
                if (!first) indent(depth);
                out += (first ? " " : "") + scalar(member.key) + ":";
                first = false;
                value(member.value, depth + 1, false);
            }
        } else if (node.is_sequence() && !node.items().empty()) {
            out += '\n';
            for (const auto& item : node.items()) {
                indent(depth);
                out += '-';
                value(item, depth + 1, true);
            }
        } else {
            out += node.is_mapping() ? " {}" : node.is_sequence() ? " []" : " " + scalar(node);
            out += '\n';
        }
    }

  private:
    void indent(std::size_t depth) { out.append(2 * depth, ' '); }
};

}  // namespace

std::string conda_text_of(const YamlNode& node) {
    Writer writer;
    writer.value(node, 0, false);
    return writer.out.starts_with('\n') ? writer.out.substr(1) : std::string(trim(writer.out)) + "\n";
}

std::optional<CondaPart> conda_part(const Definition& definition, const std::filesystem::path& directory) {
    if (!definition.conda_file.empty()) {
        const auto path = directory / definition.conda_file;
        const auto parent = path.parent_path();
        return CondaPart{read_file(path, kMaxBytes), path.string(), parent.empty() ? "." : parent};
    }
    if (definition.conda_text.empty()) return std::nullopt;
    return CondaPart{definition.conda_text, (directory / kCondaFile).string(), directory};
}

}  // namespace envbuild::spec
